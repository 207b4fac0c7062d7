"""Whether one pattern's texts are all matched by another: proven, or not known."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Any

_ATOMS = re.compile(r"\\.|\[[^\]]*\]")
_LONGEST_REPEAT = 24  # beyond it, building the automaton takes minutes
_UNSUPPORTED_ESCAPE = re.compile(r"\\[0-9bBAZkpP]")


@cache
def narrower(pattern: str, other: str) -> bool:
    """Whether every text that `pattern` matches is certainly matched by `other`.

    Needs the extra `check` (greenery) where the two differ; without it only equal patterns are
    known to be narrower, which errs on the safe side.
    """
    if pattern == other:
        return True
    if find_spec("greenery") is None:
        return False
    ours, theirs = _language(pattern), _language(other)
    return ours is not None and theirs is not None and bool(ours <= theirs)


@cache
def _language(pattern: str) -> Any:
    """The set of texts that contain a match; None for syntax that is not simple enough."""
    from greenery import parse  # noqa: PLC0415 (an extra; slow to import)
    from greenery.parse import NoMatch  # noqa: PLC0415

    starts, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith(r"\$")
    core = pattern[1 if starts else 0 : -1 if ends else None]
    if _UNSUPPORTED_ESCAPE.search(core) or _unsupported(_ATOMS.sub("x", core)):
        return None
    if any(int(number) > _LONGEST_REPEAT for number in re.findall(r"\d+", _ATOMS.sub("x", core))):
        return None
    anything = "(.*)"
    core = core.replace("-]", r"\-]")
    try:
        return parse(("" if starts else anything) + core + ("" if ends else anything)).to_fsm()
    except (NoMatch, ValueError):
        return None


def _unsupported(skeleton: str) -> bool:
    """Look at a pattern without its classes and escapes: anchors, flags, bare alternatives."""
    bare = re.sub(r"\([^()]*\)", "x", skeleton.replace("(?:", "("))
    while bare != (inner := re.sub(r"\([^()]*\)", "x", bare)):
        bare = inner
    special = set("^$.") & set(skeleton)
    return bool(special) or "(?" in skeleton.replace("(?:", "(") or "|" in bare
