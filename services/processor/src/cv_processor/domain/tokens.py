"""Cutting a question into the tokens that the taxonomy is matched on. Pure and linear in the text.

The names of this trade live on their symbols, so these survive: `C++`, `C#`, the leading dot of
`.NET`, the inner dot of `Node.js`, the slash of `CI/CD`, the ampersand of `R&D`. A hyphen is only
remembered as glue, so that `event-driven` and `event driven` are the same two tokens. Accents go,
because half of those who type leave them out; so does what grammar puts before an apostrophe
(`l'API`, `dell'AWS`) or behind it (`Python'da`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from cv_processor.domain.patterns import Pattern

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SAME = {
    **_INVISIBLE,
    **dict.fromkeys(map(ord, "•·▪◦●‣"), ","),
    ord("’"): "'",
    ord("♯"): "#",
    **dict.fromkeys(map(ord, "–‐‑"), "-"),
}

_NO_WORDS = re.compile(
    r"(?:https?://|www\.)\S+|(?<=\S)@[\w.-]+|\[(?:email|phone|name|ip|url-token)\]", re.IGNORECASE
)
_MARKS = re.compile(r"[@\[]|://|www\.", re.IGNORECASE)
"""What every address or placeholder has: a cheap look before the dear one."""
_PACKAGE = re.compile(r"(?<=\w)@(\d+)[\d.]*+")
"""The version of a package, as package managers write it: `react@18.2.0`."""
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*(?:\+\+|#)?|[./&+,;:!?()\n\[\]{}|*\"]")
_ACCENT = re.compile(r"[\u0300-\u036f]+")
_OTHER_SCRIPT = "\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufdff"
_SCRIPTS_MEET = Pattern(
    rf"(?<=[A-Za-z0-9+#])(?=[{_OTHER_SCRIPT}])|(?<=[{_OTHER_SCRIPT}])(?=[A-Za-z0-9.])"
)
"""Where a Latin name is attached to letters of another script: `Kubernetesの`."""
_APART = re.compile(r"\b([cf]) (?=\+\+|#)", re.IGNORECASE)
"""`c ++` is C++."""
_ELIDED = frozenset(
    {
        *("l", "d", "j", "m", "n", "s", "t", "c", "qu", "jusqu", "lorsqu", "puisqu"),
        *("dell", "nell", "all", "dall", "sull", "un", "quell", "com", "dov", "cos"),
    }
)
"""Words that lose their vowel before another one, in French and Italian."""
_CONTRACTED = frozenset({"t", "re", "ve", "ll", "d", "m"})
_ENGLISH_ENDS = _CONTRACTED | {"s"}

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
    def is_foreign(self) -> bool:
        """Whether it is written in another script than the names of this trade."""
        return not self.raw.isascii() and _FOREIGN.regex.match(self.raw) is not None

    @property
    def is_word(self) -> bool:
        """Whether it has a letter or digit: symbols have none."""
        return self.key[0].isalnum()


_FOREIGN = Pattern(f"[{_OTHER_SCRIPT}]")


def tokenize(text: str) -> list[Token]:
    """All tokens of a text in order; addresses and redaction's placeholders are left out."""
    plain = _plain(text)
    hyphens, apostrophes = "-" in plain, "'" in plain
    tokens: list[Token] = []
    opens = True
    for match in _TOKEN.finditer(plain):
        raw = _without_elision(match.group()) if apostrophes else match.group()
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
        text = _ACCENT.sub("", unicodedata.normalize("NFKD", text).translate(_SAME))
        text = _SCRIPTS_MEET.regex.sub(" ", unicodedata.normalize("NFC", text))
    if "+" in text or "#" in text:
        text = _APART.sub(r"\1", text)
    if not _MARKS.search(text):
        return text
    return _NO_WORDS.sub(" , ", _PACKAGE.sub(r"\1", text))


def phrase(text: str) -> tuple[str, ...]:
    """The keys of an alias or of a phrase, cut exactly as a question is."""
    return tuple(token.key for token in tokenize(text))


def _key(raw: str, text: str, start: int, end: int) -> str:
    if raw == ".":
        return _dot(text, start, end)
    key = raw.casefold()
    first, _, rest = key.partition("'")
    return first + rest if rest in _CONTRACTED else first


def _without_elision(word: str) -> str:
    first, apostrophe, rest = word.partition("'")
    elided = apostrophe and first.casefold() in _ELIDED and rest.casefold() not in _ENGLISH_ENDS
    return rest if elided else word


def _dot(text: str, start: int, end: int) -> str:
    """Which dot: inside a name, before one, or the end of a sentence."""
    if not text[end : end + 1].isalpha():
        return "!"
    return INNER_DOT if start and text[start - 1].isalnum() else LEADING_DOT


def _hyphen(text: str, at: int) -> bool:
    """Whether a hyphen there ties two words: one that begins a line of a list does not."""
    glue = at > 0 and text[at : at + 1] == "-" and text[at - 1].isalnum()
    return glue and text[at + 1 : at + 2].isalnum()
