"""Words of a question: what makes two of them alike, and what may be shown of untrusted text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9][a-z0-9+#./]*")

_COMMON = """
a an and any are as at be been build built can could did do does ever for from had has
have how i in into is it its me much my of on or our so tell than that the their them
then there they this to up us use used was we well were what when where which who why
will with work worked would you your
"""
_STOP = frozenset(_COMMON.split())
"""The commonest English words: that two questions share them says nothing."""

MAX_TOKENS = 24


@lru_cache(maxsize=4_096)
def tokens(text: str) -> frozenset[str]:
    """The telling words of a text, lower case, a plural `s` cut off; at most 24 of them."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    telling = frozenset(filter(None, map(_telling, _WORD.findall(folded.lower()))))
    return telling if len(telling) <= MAX_TOKENS else frozenset(sorted(telling)[:MAX_TOKENS])


@lru_cache(maxsize=8_192)
def _telling(word: str) -> str:
    """The word as it is compared; empty if it tells nothing. Few words make most of all text."""
    if word in _STOP:
        return ""
    bare = _singular(word.rstrip("./"))
    return "" if bare in _STOP else bare


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word  # noqa: PLR2004


def similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard: shared words over all words, 0 to 1; two texts without words are unlike."""
    if not left or not right:
        return 0.0
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def normalised(text: str) -> str:
    """What two askings of the same question have in common: case, width and spacing apart."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


@lru_cache(maxsize=4_096)
def searchable(text: str) -> str:
    """What a search compares: the text as it is shown, whatever its case, width and composition."""
    folded = shown(text, len(text)).casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFKC", folded).casefold()


# Controls, bidi overrides and isolates, zero-width characters, surrogates, private use.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MAX_MARKS = 3


def shown(text: str, limit: int) -> str:
    """Untrusted text as one harmless line of at most `limit` characters, cut with `…`.

    Controls, bidirectional overrides and zero-width characters are dropped, stacks of combining
    marks thinned. Escaping for HTML or CSV is the renderer's part.
    """
    if text.isascii() and text.isprintable():
        return _cut(" ".join(text.split()), limit)
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category.startswith("M") else 0
        if char.isspace():
            kept.append(" ")
        elif category not in _HIDDEN and marks <= MAX_MARKS:
            kept.append(char)
    return _cut(" ".join("".join(kept).split()), limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
