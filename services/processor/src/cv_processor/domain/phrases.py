"""The phrases that show an intent: a small pattern language over the words of a question.

A pattern is words in small letters, without apostrophes or hyphens. `(a|b c)` is a choice, `(a|)`
may be left out, `*` stands for up to three words, `#` for a number and `#k` for thousands. What a
pattern means is worked out when a question first has its first word: a cold start waits for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

MAX_GAP = 3
"""Words that the `*` of a phrase stands for, at most."""


class Slot(NamedTuple):
    """One place of a phrase: a word, or one of several runs of words."""

    words: frozenset[str]
    runs: tuple[tuple[str, ...], ...]
    optional: bool


GAP = Slot(frozenset(), (), True)
_PART = re.compile(r"\([^)]*\)|[^\s()]+")


def stands(pattern: str, words: Sequence[str], at: int) -> bool:
    """Whether a phrase begins at this word; a gap stands for up to `MAX_GAP` words."""
    reach = {at}
    for slot in slots(pattern):
        if slot is GAP:
            reach = {here + n for here in reach for n in range(MAX_GAP + 1)}
        else:
            reach = {end for here in reach for end in _ends(slot, words, here)}
        if not reach:
            return False
    return True


def _ends(slot: Slot, words: Sequence[str], at: int) -> Iterator[int]:
    """Where the words of a slot end when they begin here."""
    if slot.optional:
        yield at
    if at < len(words) and words[at] in slot.words:
        yield at + 1
    for several in slot.runs:
        if tuple(words[at : at + len(several)]) == several:
            yield at + len(several)


@cache
def slots(pattern: str) -> tuple[Slot, ...]:
    """A phrase pattern in parts: `(a|b c)` is a choice, `(a|)` may be left out, `*` is a gap.

    >>> [sorted(slot.words) for slot in slots("(any|your) notice (period|)")]
    [['any', 'your'], ['notice'], ['period']]
    """
    return tuple(GAP if part == "*" else _slot(part) for part in _PART.findall(pattern))


def _slot(part: str) -> Slot:
    choices = [tuple(choice.split()) for choice in part.strip("()").split("|")]
    return Slot(
        words=frozenset(choice[0] for choice in choices if len(choice) == 1),
        runs=tuple(choice for choice in choices if len(choice) > 1),
        optional=() in choices,
    )


def plausible(pattern: str, following: str, words: frozenset[str]) -> bool:
    """A cheap look at the words that a phrase needs: it rules out nearly all that begin alike."""
    seconds, needed = _needs(pattern)
    if seconds is not None and following not in seconds:
        return False
    return not any(map(words.isdisjoint, needed))


@cache
def _needs(pattern: str) -> tuple[frozenset[str] | None, tuple[frozenset[str], ...]]:
    """The words that may stand second in a phrase (`None` if any word or none may), and for each
    later place that is not optional the words of which one has to stand somewhere."""
    _, *rest = slots(pattern)
    needed = tuple(_openings(slot) for slot in rest if not slot.optional)
    return _seconds(pattern), needed


def _seconds(pattern: str) -> frozenset[str] | None:
    first, *rest = slots(pattern)
    if first.runs or first.optional:
        return None
    seconds: set[str] = set()
    for slot in rest:
        if slot is GAP:
            return None
        seconds |= _openings(slot)
        if not slot.optional:
            return frozenset(seconds)
    return None


def _openings(slot: Slot) -> frozenset[str]:
    """The words that a slot may begin with."""
    return slot.words | {several[0] for several in slot.runs}


def first_words(pattern: str) -> Iterator[str]:
    """The words that a phrase may begin with."""
    if pattern[0] not in "(*":  # nearly all; a cold start waits for this
        yield pattern.split(" ", 1)[0]
        return
    opening, _, rest = pattern.removeprefix("(").partition(")")
    choices = [] if pattern[0] == "*" else opening.split("|")
    for choice in choices:
        yield from choice.split(" ", 1)[:1] if choice else first_words(rest.lstrip() or "*")


def number_mark(key: str) -> str:
    """Phrases say `#` for a number and `#k` for thousands, such as a salary."""
    if not key[0].isdigit():
        return key
    return "#k" if key.lstrip("0123456789") == "k" else "#" if key.isdigit() else key
