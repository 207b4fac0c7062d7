"""Refuse a bundle that Lambda would compile anew: `python -m tools.build.bytecode processor`.

Bytecode that is missing, stale or another interpreter's makes every cold start two to three times
slower, and nothing else shows it.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import source_hash
from pathlib import Path
from typing import Final

from tools.build.bundle import LAMBDA_PYTHON, target_named
from tools.paths import BUNDLES, shown

# PEP 552: four bytes magic number, four bytes flags, eight bytes hash of the source.
UNCHECKED_HASH: Final = (0b01).to_bytes(4, "little")
PRINT_MAGIC: Final = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"


class BytecodeError(RuntimeError):
    """The bundle must not be deployed; the message says why."""


def magic_of(python: str) -> bytes:
    """The magic number of an interpreter's bytecode."""
    answer = subprocess.run([python, "-c", PRINT_MAGIC], capture_output=True, check=True, text=True)
    return bytes.fromhex(answer.stdout.strip())


def unusable(bundle: Path, magic: bytes, version: str = LAMBDA_PYTHON) -> list[str]:
    """The sources below `bundle` whose bytecode that interpreter would not take as it is."""
    tag = f"cpython-{version.replace('.', '')}"
    return sorted(
        str(source.relative_to(bundle))
        for source in bundle.rglob("*.py")
        if not _is_usable(source, source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc", magic)
    )


def _is_usable(source: Path, compiled: Path, magic: bytes) -> bool:
    if not compiled.is_file():
        return False
    header = compiled.read_bytes()[:16]
    return header == magic + UNCHECKED_HASH + source_hash(source.read_bytes())


def check(bundle: Path, python: str | None) -> str:
    """A line that says the bundle is good. Raises `BytecodeError`."""
    if python is None:
        raise BytecodeError(
            f"no Python {LAMBDA_PYTHON} on this machine: install it and build again"
        )
    sources = len(list(bundle.rglob("*.py")))
    if not sources:
        raise BytecodeError(f"{shown(bundle)} holds no module: `make build-X` makes it")
    if stale := unusable(bundle, magic_of(python)):
        raise BytecodeError(
            f"{shown(bundle)}: {len(stale)} of {sources} modules have no valid bytecode of Python"
            f" {LAMBDA_PYTHON}, {stale[0]} first: delete the folder and build again"
        )
    return f"{shown(bundle)}: {sources} modules, all with bytecode of Python {LAMBDA_PYTHON}"


def main(arguments: list[str]) -> None:
    """Command line: the service."""
    [service] = arguments
    try:
        print(check(BUNDLES / f"{service}-lambda", target_named("lambda").python))
    except BytecodeError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
