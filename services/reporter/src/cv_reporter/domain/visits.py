"""Visits: a session's questions in order, split after 30 idle minutes, and how they ended.

A visit can cross local midnight, while a summary sees one day. So a day also keeps its *edges*, the
questions near either midnight; `stitched` joins those of neighbouring days once they are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from cv_reporter.domain.calendar import day_start_ms
from cv_reporter.domain.fact import MISSES, Fact, Outcome, session_hash
from cv_reporter.domain.words import normalised, similarity, tokens

IDLE_MS = 30 * 60 * 1_000
REPHRASE_MS = 10 * 60 * 1_000
REPHRASE_SIMILARITY = 0.5
MAX_EDGE_TEXT = 300
MAX_MARKED = 10_000
"""A list of marked questions is worked out from all of a period's, up to so many."""

_SESSION = attrgetter("session_id")
_IN_ORDER = attrgetter("session_id", "asked_at", "request_id")

Counts = tuple[int, int, int, int, int]
"""Visits, exits on a miss, missed, rephrased and repeated."""


class Turn(NamedTuple):
    """What must be known of a question to compare it with the next one of its session."""

    asked_at: int
    outcome: Outcome
    skills: frozenset[str]
    text: str

    @classmethod
    def of(cls, fact: Fact) -> Turn:
        """The part of a fact that matters here; umbrella skills join nothing."""
        skills = frozenset([skill.name for skill in fact.skills if not skill.umbrella])
        return cls(fact.asked_at, fact.outcome, skills, normalised(fact.question))


class Edge(NamedTuple):
    """A session's first (`head`) or last question of a day, within 30 minutes of midnight."""

    session: int
    day: date
    head: bool
    turn: Turn

    @classmethod
    def of(cls, session: int, day: date, head: bool, turn: Turn) -> Edge:
        """An edge is kept, so its text is cut."""
        return cls(session, day, head, turn._replace(text=turn.text[:MAX_EDGE_TEXT]))


class Visits(NamedTuple):
    """Counts over named sessions. `missed` questions are those not answered in full."""

    visits: int = 0
    exits_on_miss: int = 0
    missed: int = 0
    rephrased: int = 0
    repeated: int = 0
    edges: frozenset[Edge] = frozenset()

    def merge(self, *others: Visits) -> Visits:
        """The sum; visits across midnight stay in two halves until `stitched`."""
        parts = (self, *others)
        return Visits(
            sum([part.visits for part in parts]),
            sum([part.exits_on_miss for part in parts]),
            sum([part.missed for part in parts]),
            sum([part.rephrased for part in parts]),
            sum([part.repeated for part in parts]),
            frozenset().union(*[part.edges for part in parts]),
        )

    def bounded(self, keep: int) -> Visits:
        """The edges of the `keep` smallest session hashes: the same sessions on every day."""
        sessions = frozenset(sorted({edge.session for edge in self.edges})[:keep])
        edges = frozenset(edge for edge in self.edges if edge.session in sessions)
        return self._replace(edges=edges)

    def stitched(self) -> Visits:
        """Join the halves of each visit that crossed a midnight between two merged days."""
        pairs = list(self._across_midnight())
        return self._replace(
            visits=self.visits - len(pairs),
            exits_on_miss=self.exits_on_miss - sum(last.outcome in MISSES for last, _ in pairs),
            rephrased=self.rephrased + sum(is_rephrase(*pair) for pair in pairs),
            repeated=self.repeated + sum(is_repeat(*pair) for pair in pairs),
            edges=frozenset(),
        )

    def _across_midnight(self) -> Iterator[tuple[Turn, Turn]]:
        """A session's last turn of a day with its first of the next, if that is the same visit."""
        heads = {(edge.session, edge.day): edge.turn for edge in self.edges if edge.head}
        for session, day, head, turn in self.edges:
            if not head:
                following = heads.get((session, day + timedelta(days=1)))
                if following and following.asked_at - turn.asked_at <= IDLE_MS:
                    yield turn, following


def visits_of(facts: Iterable[Fact], day: date, time_zone: str) -> Visits:
    """The visits of one day's facts; anonymous questions belong to none."""
    named = sorted((fact for fact in facts if fact.named), key=_IN_ORDER)
    opens = day_start_ms(day, time_zone) + IDLE_MS
    closes = day_start_ms(day + timedelta(days=1), time_zone) - IDLE_MS
    edges: list[Edge] = []
    counts: list[Counts] = [(0, 0, 0, 0, 0)]
    for session_id, questions in groupby(named, key=_SESSION):
        turns = [Turn.of(fact) for fact in questions]
        counts.append(_counts(turns))
        session = session_hash(session_id)
        if turns[0].asked_at <= opens:
            edges.append(Edge.of(session, day, True, turns[0]))
        if turns[-1].asked_at >= closes:
            edges.append(Edge.of(session, day, False, turns[-1]))
    visits, exits, missed, rephrased, repeated = map(sum, zip(*counts, strict=True))
    return Visits(visits, exits, missed, rephrased, repeated, frozenset(edges))


def _counts(turns: Sequence[Turn]) -> Counts:
    """Those of one session's day."""
    pairs = list(pairwise(turns))
    ends = [this for this, following in pairs if is_parted(this, following)]
    ends.append(turns[-1])
    return (
        len(ends),
        sum([turn.outcome in MISSES for turn in ends]),
        sum([turn.outcome is not Outcome.FULL for turn in turns]),
        sum([is_rephrase(this, following) for this, following in pairs]),
        sum([is_repeat(this, following) for this, following in pairs]),
    )


def is_parted(this: Turn, following: Turn) -> bool:
    """Whether the visitor was away in between, so that another visit begins."""
    return following.asked_at - this.asked_at > IDLE_MS


def is_repeat(this: Turn, following: Turn) -> bool:
    """Whether the very same question came again within ten minutes, whatever its outcome."""
    return following.asked_at - this.asked_at <= REPHRASE_MS and this.text == following.text


def is_rephrase(this: Turn, following: Turn) -> bool:
    """Whether a question that was not answered in full was asked again in other words."""
    if this.outcome is Outcome.FULL or following.asked_at - this.asked_at > REPHRASE_MS:
        return False
    if this.text == following.text:
        return False
    if not this.skills.isdisjoint(following.skills):
        return True
    return similarity(tokens(this.text), tokens(following.text)) >= REPHRASE_SIMILARITY
