"""Which aliases stand in a question: as written, with a version or a compound, or misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from cv_processor.domain.rules import Alias
from cv_processor.domain.tokens import Token

_DIGITS = "0123456789"
_YEAR = 4
"""Digits of a year, which are no version: `Spring2026`."""
_SHORTEST_NAME = 3
"""Letters of a name that may have something attached: `R2` and `C4` are names of their own."""
_SHORTEST_MISSPELT = 6
"""Letters of a misspelt name: shorter ones are often one letter from another word."""
_SHORTEST_CHANGED = 7
"""The same where a letter is wrong or missing, and not doubled or in another's place."""


class Mention(NamedTuple):
    """An alias at `tokens[start:end]`."""

    start: int
    end: int
    alias: Alias
    attached: bool = False
    """Whether a version or the second half of a compound is attached, as only to a name."""


@dataclass(frozen=True)
class AliasIndex:
    """The aliases by their keys, each a tuple of `Token.key`."""

    aliases: Mapping[tuple[str, ...], Alias] = field(repr=False)
    compounds: tuple[str, ...] = ()
    """Words that German and Dutch write behind a name without a blank: `Javaentwickler`."""
    ordinary: frozenset[str] = field(default=frozenset(), repr=False)
    """Everyday words, which are no misspelt names."""

    def candidates(self, tokens: Sequence[Token]) -> Iterator[Mention]:
        """Every alias that stands in the tokens, whether or not it is meant as a skill."""
        typed = [token.key for token in tokens]
        known = self.known
        keys = [key if key in known else self._corrected(key) for key in typed]
        at = 0
        while at < len(keys):
            mention = self._longest_at(keys, at) or self._attached_at(keys, at)
            if mention and not _is_doubtful(mention, keys[at] != typed[at]):
                yield mention
            at = mention.end if mention else at + 1

    def _longest_at(self, keys: Sequence[str], at: int) -> Mention | None:
        longest = min(self._longest.get(keys[at], 0), len(keys) - at)
        for size in range(longest, 0, -1):
            wanted = tuple(keys[at : at + size])
            if alias := self.aliases.get(wanted):
                return Mention(at, at + size, alias)
            if size > 1 and wanted[-1][-1] in _DIGITS:  # `.NET8`
                alias = self.aliases.get((*wanted[:-1], wanted[-1].rstrip(_DIGITS)))
                if alias:
                    return Mention(at, at + size, alias, attached=True)
        return None

    def _attached_at(self, keys: Sequence[str], at: int) -> Mention | None:
        """`Python3` is Python and `Javaentwickler` is Java."""
        key = keys[at]
        bare = key.rstrip(_DIGITS)
        if bare == key and key.endswith(self.compounds):
            bare = next(key.removesuffix(end) for end in self.compounds if key.endswith(end))
        alias = self.aliases.get((bare,))
        if alias is None or not (len(bare) >= _SHORTEST_NAME or _may_be_short(alias)):
            return None
        return Mention(at, at + 1, alias, attached=len(key) - len(bare) != _YEAR)

    def _corrected(self, key: str) -> str:
        """A word of an alias for one with a slip of the keyboard in its middle: `kuberntes`."""
        if len(key) < _SHORTEST_MISSPELT - 1:
            return key
        names = self._by_start.get(key[0], ())
        if not names or not (key.isascii() and key.isalpha()) or self._is_form(key):
            return key
        return next((name for name in names if is_slip(key, name)), key)

    def _is_form(self, word: str) -> bool:
        """Whether it is a form of an everyday word or one of a name: `catching`, `Dockers`."""
        forms = [form for form in base_forms(word) if len(form) >= _SHORTEST_NAME]
        return not (self.ordinary.isdisjoint(forms) and self._words.isdisjoint(forms))

    @cached_property
    def _longest(self) -> dict[str, int]:
        longest: dict[str, int] = {}
        for keys in self.aliases:
            if len(keys) > longest.get(keys[0], 0):
                longest[keys[0]] = len(keys)
        return longest

    @cached_property
    def known(self) -> frozenset[str]:
        """Everyday words and the words of aliases."""
        return self.ordinary | self._words

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for keys in self.aliases for word in keys)

    @cached_property
    def _by_start(self) -> dict[str, list[str]]:
        """By their first letter the words that a misspelt one may stand for: no everyday ones."""
        by_start: dict[str, list[str]] = {}
        for keys, alias in self.aliases.items():
            for word in keys:
                plain = len(word) >= _SHORTEST_MISSPELT and word.isalpha()
                if plain and (len(keys) > 1 or alias.rule is None):
                    by_start.setdefault(word[0], []).append(word)
        return by_start


def _is_doubtful(mention: Mention, corrected: bool) -> bool:
    """Whether it is an ambiguous word, and not even written as such."""
    return corrected and mention.end == mention.start + 1 and mention.alias.rule is not None


def _may_be_short(alias: Alias) -> bool:
    return alias.rule is not None and alias.rule.versioned


def is_slip(word: str, name: str) -> bool:
    """Whether one letter inside of a name is missing, doubled, wrong, or has changed places.

    The first letter is right. The last one is, too: another ending makes another word.

    >>> is_slip("djagno", "django"), is_slip("dashboard", "dashboards")
    (True, False)
    """
    if abs(len(word) - len(name)) > 1:
        return False
    start, end = _common(word, name), _common(word[::-1], name[::-1])
    longer = max(len(word), len(name))
    if len(word) == len(name):
        middle, wanted = word[start : len(word) - end], name[start : len(name) - end]
        swapped = len(middle) == 2 and middle == wanted[::-1]  # noqa: PLR2004
        return swapped or (len(middle) == 1 and end > 0 and longer >= _SHORTEST_CHANGED)
    if not end or start + end < longer - 1:
        return False
    return len(name) >= _SHORTEST_CHANGED or start + end > longer - 1  # `kibanna`


def _common(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def base_forms(word: str) -> Iterator[str]:
    """The word, and what it is a plural or another form of, roughly: `talks`, `asked`, `using`."""
    yield word
    for ending in ("s", "es", "d", "ed", "r", "er", "ly", "ing"):
        if word.endswith(ending):
            bare = word.removesuffix(ending)
            yield from (bare, f"{bare}e", bare[:-1])
