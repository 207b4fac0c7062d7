"""The repository as files: what is where, and copies of it with parts deleted."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ("processor", "reporter")
# Whatever the caller's home holds: nobody here has an account.
NO_CREDENTIALS: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
NOT_SOURCE: Final = (
    ".git",
    ".local",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tools",
    ".venv",
    "__pycache__",
    "dist",
    "node_modules",
)


class ImpureError(AssertionError):
    """A criterion does not hold; the message says where."""


def other(service: str) -> str:
    """The service that the given one must not need."""
    return next(name for name in SERVICES if name != service)


def copy_without(service: str, root: Path, into: Path) -> Path:
    """A copy of the sources in which one service never was: neither its code nor its stacks."""
    copy = into / f"without-{service}"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    for gone in (f"services/{service}", f"infra/{service}"):
        shutil.rmtree(copy / gone)
    return copy


def run(folder: Path, *command: str, **environment: str) -> None:
    """Run a command there, without the caller's AWS settings. Raises `ImpureError`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        # Without bytecode beside it, every synthesis would compile all of aws_cdk again.
        if not name.startswith(("AWS_", "MAKE", "MFLAGS", "PYTHONDONTWRITEBYTECODE"))
    }
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **NO_CREDENTIALS, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = " ".join(command)
        raise ImpureError(f"{said} failed in {folder.name}:\n{answer.stdout[-2000:]}")


def version_of(service: str, root: Path) -> str:
    """The version that the service's package gives itself. Raises `ImpureError`."""
    source = root / "services" / service / "src" / f"cv_{service}" / "__init__.py"
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"', source.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ImpureError(f"{service} says no version")
    return found[1]


def modules_imported_by(service: str, root: Path) -> Iterator[tuple[Path, str]]:
    """Every absolute import in a service's package and tests."""
    for path in sorted((root / "services" / service).rglob("*.py")):
        if is_source(path.relative_to(root)):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path, node.module


def is_source(path: Path) -> bool:
    """Whether a path inside the checkout is no environment, cache or product of a build."""
    return not set(path.parts) & set(NOT_SOURCE)
