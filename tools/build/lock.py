"""Resolve every environment anew and write its hash-locked file: `make lock [PACKAGE=pydantic]`.

Without a package all are taken to their newest versions; with one, only that moves. The files name
no index: they are the same wherever packages come from.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tools.build.progress import Steps
from tools.paths import CONTRACTS, INFRA, ROOT, SERVICES, UV, shown

if TYPE_CHECKING:
    from pathlib import Path


FLAGS = (
    *("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate"),
    "--no-emit-index-url",
    *("--custom-compile-command", "make lock"),
)
PROJECT, RUNTIME, DEVELOPMENT = "pyproject.toml", "requirements.lock", "requirements-dev.lock"
OTEL = "requirements-otel.lock"
# (folder, what is wanted, the extra, what is locked)
LOCKS: tuple[tuple[Path, str, str, str], ...] = (
    *((folder, PROJECT, "", RUNTIME) for folder in (CONTRACTS, INFRA, ROOT / "tools")),
    *((SERVICES / name, PROJECT, "", RUNTIME) for name in ("processor", "reporter")),
    *((SERVICES / name, PROJECT, "dev", DEVELOPMENT) for name in ("processor", "reporter")),
    *((SERVICES / name, PROJECT, "otel", OTEL) for name in ("processor", "reporter")),
    (CONTRACTS, PROJECT, "dev", DEVELOPMENT),
    (ROOT / "tests" / "browser", "requirements.in", "", RUNTIME),
    (ROOT / "tools" / "build", "bootstrap.in", "", "bootstrap.lock"),
    (ROOT / "tools" / "build", "build.in", "", "build.lock"),
)


def lock(folder: Path, source: str, extra: str, target: str) -> None:
    """Write one lock file."""
    package = os.environ.get("PACKAGE", "")
    upgrade = ["--upgrade-package", package] if package else ["--upgrade"]
    extras = ["--extra", extra] if extra else []
    command = [str(UV), "pip", "compile", *FLAGS, *upgrade, *extras, source, "-o", target]
    subprocess.run(command, cwd=folder, check=True)


def main() -> None:
    """Lock all of those that are there: a checkout may lack a service."""
    steps = Steps()

    def one(entry: tuple[Path, str, str, str]) -> None:
        folder, _, _, target = entry
        if folder.is_dir():
            with steps.step(f"lock {shown(folder / target)}"):
                lock(*entry)

    try:
        with ThreadPoolExecutor(2) as together:
            list(together.map(one, LOCKS))
    except subprocess.CalledProcessError as failure:
        sys.exit(f"error: uv could not resolve, see above (exit code {failure.returncode})")


if __name__ == "__main__":
    main()
