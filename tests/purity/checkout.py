"""The repository as files: what is where, and copies of it with parts deleted."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ("processor", "reporter")
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


@dataclass(frozen=True)
class Run:
    """A command that succeeded, and how long it took."""

    command: str
    seconds: float
    output: str


def other(service: str) -> str:
    """The service that the given one must not need."""
    return next(name for name in SERVICES if name != service)


def copy_without(service: str, into: Path) -> Path:
    """A copy of the sources without one service: neither its code, nor its stacks, nor what tests
    it together with others."""
    copy = into / f"without-{service}"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    for gone in (f"services/{service}", f"infra/{service}"):
        shutil.rmtree(copy / gone, ignore_errors=True)
    return copy


def run(folder: Path, *command: str, **environment: str) -> Run:
    """Run a command there, without the caller's AWS settings. Raises `ImpureError`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        # Without bytecode beside it, every synthesis would compile all of aws_cdk again.
        if not name.startswith(("AWS_", "MAKE", "MFLAGS", "PYTHONDONTWRITEBYTECODE"))
    }
    started = time.monotonic()
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = " ".join(command)
    if answer.returncode:
        raise ImpureError(f"{said} failed in {folder.name}:\n{answer.stdout[-2000:]}")
    return Run(said, time.monotonic() - started, answer.stdout)


def version_of(service: str) -> str:
    """The version that the service's package gives itself."""
    source = ROOT / "services" / service / "src" / f"cv_{service}" / "__init__.py"
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"', source.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ImpureError(f"{service} says no version")
    return found[1]


def modules_imported_by(service: str) -> Iterator[tuple[Path, str]]:
    """Every absolute import in a service's package and tests."""
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        if not set(path.parts) & set(NOT_SOURCE):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path, node.module
