"""Refuse a bundle that Lambda would compile anew: `python -m tools.build.bytecode processor`.

Bytecode that is missing, stale or another interpreter's makes every cold start two to three times
slower, and nothing else shows it.
"""

from __future__ import annotations

import sys
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from typing import Final

from tools.build.bundle import LAMBDA_PYTHON
from tools.paths import BUNDLES, shown

# PEP 552: four bytes magic number, four bytes flags, eight bytes hash of the source.
UNCHECKED_HASH: Final = (0b01).to_bytes(4, "little")
# CPython 3.13 writes this number before its bytecode; it changes with `LAMBDA_PYTHON`.
MAGIC: Final = (3571).to_bytes(2, "little") + b"\r\n"


class BytecodeError(RuntimeError):
    """The bundle must not be deployed; the message says why."""


def unusable(bundle: Path, magic: bytes = MAGIC, version: str = LAMBDA_PYTHON) -> list[str]:
    """The sources below `bundle` whose bytecode that Python would not take as it is.

    The hash of a source depends on the interpreter that takes it, so only that Python sees a source
    that changed later.
    """
    tag = f"cpython-{version.replace('.', '')}"

    def is_usable(source: Path) -> bool:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        header = compiled.read_bytes()[:16] if compiled.is_file() else b""
        if header[:8] != magic + UNCHECKED_HASH:
            return False
        return magic != MAGIC_NUMBER or header[8:] == source_hash(source.read_bytes())

    return sorted(
        str(source.relative_to(bundle)) for source in bundle.rglob("*.py") if not is_usable(source)
    )


def check(bundle: Path) -> str:
    """A line that says the bundle is good. Raises `BytecodeError`."""
    sources = len(list(bundle.rglob("*.py")))
    if not sources:
        raise BytecodeError(f"{shown(bundle)} holds no module: `make build-X` makes it")
    if stale := unusable(bundle):
        raise BytecodeError(
            f"{shown(bundle)}: {len(stale)} of {sources} modules have no valid bytecode of Python"
            f" {LAMBDA_PYTHON}, {stale[0]} first: delete the folder and build again"
        )
    limits = "" if MAGIC_NUMBER == MAGIC else " (only that Python can compare it with the sources)"
    return f"{shown(bundle)}: {sources} modules, all with bytecode of {LAMBDA_PYTHON}{limits}"


def main(arguments: list[str]) -> None:
    """Command line: the service."""
    [service] = arguments
    try:
        print(check(BUNDLES / f"{service}-lambda"))
    except BytecodeError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
