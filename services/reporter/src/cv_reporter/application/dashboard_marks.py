"""Marked questions: those behind a number that depends on a question's neighbours in its session.

Summaries hold only how many there are; which ones they are is seen from the period's questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import groupby, pairwise

from cv_reporter.domain.fact import MISSES, Fact, row
from cv_reporter.domain.visits import Turn, is_parted, is_repeat, is_rephrase


class Mark(StrEnum):
    """What is marked: a session's last question, a visit's last if it got no answer, and so on."""

    SESSIONS = "sessions"
    EXITS = "exits"
    REPHRASED = "rephrased"
    REPEATED = "repeated"
    CORRECTED = "corrected"
    SKEWED = "skewed"


def marked(facts: Iterable[Fact], mark: Mark) -> frozenset[str]:
    """The rows of the marked questions among a period's."""
    if mark in _ALONE:
        return frozenset(_row(fact) for fact in facts if _ALONE[mark](fact))
    named = sorted((fact for fact in facts if fact.named), key=_in_order)
    sessions = [list(session) for _, session in groupby(named, key=_session)]
    return frozenset(_row(fact) for session in sessions for fact in _IN_SESSION[mark](session))


def _session(fact: Fact) -> str:
    return fact.session_id


def _in_order(fact: Fact) -> tuple[str, int, str]:
    return fact.session_id, fact.asked_at, fact.request_id


def _row(fact: Fact) -> str:
    return row(fact.asked_at, fact.request_id)


def _last(session: Sequence[Fact]) -> Iterable[Fact]:
    return session[-1:]


def _exits(session: Sequence[Fact]) -> Iterable[Fact]:
    """The last question of each visit, where it got no answer."""
    ends = [this for this, following in pairwise(session) if _turned(is_parted, this, following)]
    return [fact for fact in (*ends, session[-1]) if fact.outcome in MISSES]


def _after(test: Callable[[Turn, Turn], bool]) -> Callable[[Sequence[Fact]], Iterable[Fact]]:
    """The questions that stand to the one before as tested."""
    return lambda session: [
        following for this, following in pairwise(session) if _turned(test, this, following)
    ]


def _turned(test: Callable[[Turn, Turn], bool], this: Fact, following: Fact) -> bool:
    return test(Turn.of(this), Turn.of(following))


_ALONE: dict[Mark, Callable[[Fact], bool]] = {
    Mark.CORRECTED: lambda fact: fact.revision > 1,
    Mark.SKEWED: lambda fact: fact.clock_skewed,
}
_IN_SESSION: dict[Mark, Callable[[Sequence[Fact]], Iterable[Fact]]] = {
    Mark.SESSIONS: _last,
    Mark.EXITS: _exits,
    Mark.REPHRASED: _after(is_rephrase),
    Mark.REPEATED: _after(is_repeat),
}
