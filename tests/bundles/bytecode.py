"""Which modules below a folder Python would compile anew: `python bytecode.py FOLDER`, as JSON.

Every source is made poisonous first, so that a module that is not taken from its bytecode shows
itself. Run with the interpreter that the bundle is for.
"""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source, source_from_cache
from pathlib import Path

POISON = "raise RuntimeError('compiled from its source')"


def poison(folder: Path) -> None:
    """Give every module a source that cannot be run."""
    for source in folder.rglob("*.py"):
        source.write_text(POISON)


def compiled_anew(folder: Path) -> list[str]:
    """The modules whose bytecode is missing, stale, or belongs to no source."""
    sources = set(folder.rglob("*.py"))
    bytecode = {Path(source_from_cache(str(path))) for path in folder.rglob("*.pyc")}
    stale = [path for path in sources & bytecode if _is_poison(path)]
    return sorted(str(path.relative_to(folder)) for path in {*stale, *(sources ^ bytecode)})


def _is_poison(source: Path) -> bool:
    """Whether the import system would run the source instead of what was compiled ahead."""
    cached = Path(cache_from_source(str(source))).read_bytes()
    code = SourceFileLoader("module", str(source)).get_code("module")
    Path(cache_from_source(str(source))).write_bytes(cached)  # it may have been written anew
    return code is None or "compiled from its source" in code.co_consts


if __name__ == "__main__":
    print(json.dumps(compiled_anew(Path(sys.argv[1]))))
