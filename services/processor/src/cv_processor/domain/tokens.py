"""Cutting a question into the tokens that the taxonomy is matched on. Pure and linear in the text.

The names of this trade live on their symbols, so these survive: `C++`, `C#`, the leading dot of
`.NET`, the inner dot of `Node.js`, the slash of `CI/CD`, the ampersand of `R&D`. A hyphen is only
remembered as glue, so that `event-driven` and `event driven` are the same two tokens.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SAME = {**_INVISIBLE, ord("’"): "'", ord("♯"): "#", ord("–"): "-", ord("‐"): "-", ord("‑"): "-"}

_NO_WORDS = re.compile(
    r"(?:https?://|www\.)\S+|(?<=\S)@[\w.-]+|\[(?:email|phone|name|ip|url-token)\]", re.IGNORECASE
)
_MARKS = re.compile(r"[@\[]|://|www\.", re.IGNORECASE)
"""What every address or placeholder has: a cheap look before the dear one."""
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*(?:\+\+|#)?|[./&+,;:!?()\n\[\]\"]")

INNER_DOT = "."
LEADING_DOT = " ."
_STOPS = frozenset("!?\n;:")


class Token(NamedTuple):
    """A word or a symbol: `key` is what is compared, `raw` how it was written."""

    key: str
    raw: str
    opens: bool
    """Whether it is the first word of a sentence."""
    hyphen_before: bool
    hyphen_after: bool

    @property
    def is_word(self) -> bool:
        """Whether it has a letter or digit: symbols have none."""
        return self.key[0].isalnum()


def tokenize(text: str) -> list[Token]:
    """All tokens of a text in order; addresses and redaction's placeholders are left out."""
    plain = _plain(text)
    hyphens = "-" in plain
    tokens: list[Token] = []
    opens = True
    for match in _TOKEN.finditer(plain):
        raw = match.group()
        start, end = match.span()
        key = raw.casefold() if raw.isalnum() else _key(raw, plain, start, end)
        word = key[0].isalnum()
        before = hyphens and _hyphen(plain, start - 1)
        tokens.append(Token(key, raw, word and opens, before, hyphens and _hyphen(plain, end)))
        opens = not word and key in _STOPS
    return tokens


def _plain(text: str) -> str:
    """One spelling for characters that look alike; ASCII has none that do."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SAME)
    return _NO_WORDS.sub(" , ", text) if _MARKS.search(text) else text


def phrase(text: str) -> tuple[str, ...]:
    """The keys of an alias or of a phrase, cut exactly as a question is."""
    return tuple(token.key for token in tokenize(text))


def _key(raw: str, text: str, start: int, end: int) -> str:
    if raw == ".":
        return _dot(text, start, end)
    key = raw.casefold()
    if key.endswith("'s"):
        return key[:-2]
    return key.replace("'", "")


def _dot(text: str, start: int, end: int) -> str:
    """Which dot: inside a name, before one, or the end of a sentence."""
    if not text[end : end + 1].isalpha():
        return "!"
    return INNER_DOT if start and text[start - 1].isalnum() else LEADING_DOT


def _hyphen(text: str, at: int) -> bool:
    return at >= 0 and text[at : at + 1] == "-"
