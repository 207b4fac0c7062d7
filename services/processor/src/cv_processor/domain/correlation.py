"""Correlation: the two halves of one question, and the pure rules by which they become one.

A correlation is a *set*: its query half, its response half, the halves that lost a conflict, and
whether the grace period ended. Everything else (outcome, revision, session) is derived, so the same
set gives the same correlation, in whatever order and however often its members arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from cv_processor.domain.values import (
    ANONYMOUS_SESSION,
    AliasUse,
    ClientClass,
    MatchType,
    Outcome,
    ResponseTimes,
    Skill,
)

MAX_PARKED = 32
"""Conflicting halves that one correlation keeps track of; more than that is an attack or a bug.
Beyond it a half that loses on arrival is left out. One that wins still displaces the half that
stands, so that the earliest text stands in every order."""
MAX_DISPLACED = 990
"""Parked halves beyond which nothing displaces: `days.REVISION_ROOM` has no more revisions."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is stored: redacted and enriched. Times are UTC milliseconds.

    The names are short because they are stored with every item: the usual pair stays below one
    kilobyte, one write unit. `digest` is of the event as sent, before redaction and enrichment, so
    that a better taxonomy does not make a repeated event look like another one.
    """

    at: int
    text: str
    digest: str
    session_id: str | None = None
    client: ClientClass = ClientClass.UNKNOWN
    referer: str | None = None
    synthetic: bool = False
    truncated: bool = False
    skills: tuple[Skill, ...] = ()
    aliases: tuple[AliasUse, ...] = ()
    intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """The answer's quality as it is stored. `match` is as sent, never from the score."""

    at: int
    match: MatchType
    score: int
    digest: str
    session_id: str | None = None
    reasoning: str | None = None
    sources: tuple[str, ...] = ()
    vectors: int | None = None
    times: ResponseTimes | None = None


Half = Query | Response


@dataclass(frozen=True, slots=True)
class Correlation:
    """What is known of one question.

    `gave_up_after` is the grace period (ms) that ended without a response, `parked` the content
    hashes of halves that lost a conflict.
    """

    request_id: str
    query: Query | None = None
    response: Response | None = None
    gave_up_after: int | None = None
    parked: frozenset[str] = frozenset()

    @property
    def closed(self) -> bool:
        """Whether the question's outcome is known."""
        return self.query is not None and (
            self.response is not None or self.gave_up_after is not None
        )

    @property
    def version(self) -> int:
        """How much is known: it grows with every change, so it guards the item when written."""
        members = (self.query, self.response, self.gave_up_after)
        return sum(member is not None for member in members) + len(self.parked)

    @property
    def revision(self) -> int:
        """0 while open; then it rises with every change. The same set has the same revision."""
        return self.version - 1 if self.closed else 0

    @property
    def outcome(self) -> Outcome:
        """How the question ended; `no_response` also while nothing else is known."""
        return Outcome.NO_RESPONSE if self.response is None else Outcome(self.response.match)

    @property
    def session_id(self) -> str:
        """The visitor's session by the query, else by the response, else `anonymous`."""
        named = (half.session_id for half in (self.query, self.response) if half)
        return next(filter(None, named), ANONYMOUS_SESSION)

    @property
    def clock_skewed(self) -> bool:
        """Whether the response is dated before its query; then it has no latency."""
        return bool(self.query and self.response and self.response.at < self.query.at)

    @property
    def concluded_at(self) -> int | None:
        """When the question ended: answered, or given up. `None` while open."""
        if self.query is None or not self.closed:
            return None
        if self.response is not None:
            return self.response.at
        return self.query.at + (self.gave_up_after or 0)


def merge(correlation: Correlation, half: Half) -> Correlation:
    """The correlation with this half known: commutative and idempotent.

    A half with equal content changes nothing. Of two halves with different content the one with
    the smaller (time, content hash) stands, whichever came first; the other is parked. At the
    limit (`MAX_PARKED`) a half that loses changes nothing: see `left_out`. Then the halves that
    stand are the same in every order; which ones are parked, and the revision, depend on it.
    """
    current = correlation.query if isinstance(half, Query) else correlation.response
    if current is None:
        return _with(correlation, half)
    if half.digest == current.digest or half.digest in correlation.parked:
        return correlation
    winner, loser = sorted((current, half), key=_precedence)
    limit = MAX_PARKED if loser is half else MAX_DISPLACED
    if len(correlation.parked) >= limit:
        return correlation
    parked = correlation.parked | {loser.digest}
    return replace(_with(correlation, winner), parked=parked)


def merge_all(correlation: Correlation, halves: Iterable[Half]) -> Correlation:
    """The correlation with all these halves known, the earliest first: it displaces fewest."""
    return reduce(merge, sorted(halves, key=_precedence), correlation)


def left_out(correlation: Correlation, halves: Iterable[Half]) -> tuple[Half, ...]:
    """Those of the merged halves that the limit of conflicts kept out of the correlation."""
    standing = (correlation.query, correlation.response)
    known = correlation.parked | {half.digest for half in standing if half}
    return tuple(half for half in halves if half.digest not in known)


def give_up(correlation: Correlation, grace_ms: int) -> Correlation:
    """The correlation after its grace period: closed as `no_response` if it is still open."""
    if correlation.query is None or correlation.closed:
        return correlation
    return replace(correlation, gave_up_after=grace_ms)


def newly_parked(
    before: Correlation, after: Correlation, halves: Iterable[Half]
) -> tuple[Half, ...]:
    """The halves (given, or standing before) that lost a conflict on the way to `after`."""
    lost = after.parked - before.parked
    known = {half.digest: half for half in (before.query, before.response, *halves) if half}
    return tuple(half for key, half in known.items() if key in lost)


def _with(correlation: Correlation, half: Half) -> Correlation:
    if isinstance(half, Query):
        return replace(correlation, query=half)
    return replace(correlation, response=half)


def _precedence(half: Half) -> tuple[int, str]:
    return half.at, half.digest
