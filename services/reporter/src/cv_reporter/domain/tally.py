"""A tally: the countable truth about some questions. Tallies add up in any order and grouping.

A merge only unites and adds, it never cuts; what must be bounded is bounded where a day is
summarised (`summary.py`). That is why `merge` is associative and commutative without exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeVar

from cv_reporter.domain.fact import Outcome
from cv_reporter.domain.sketch import Distinct, Durations
from cv_reporter.domain.visits import Visits

Key = TypeVar("Key")
Value = TypeVar("Value")


class Outcomes(NamedTuple):
    """How many questions ended in which way."""

    full: int = 0
    partial: int = 0
    none: int = 0
    no_response: int = 0
    unknown: int = 0

    @classmethod
    def one(cls, outcome: Outcome) -> Outcomes:
        """A single question."""
        return _ONE[outcome]

    @property
    def questions(self) -> int:
        """All of them."""
        return sum(self)

    @property
    def answered(self) -> int:
        """Those with a response."""
        return self.questions - self.no_response

    @property
    def unanswered(self) -> int:
        """Those that left the visitor without an answer: no match, or no response."""
        return self.none + self.no_response

    def plus(self, other: Outcomes) -> Outcomes:
        """The sum, outcome by outcome."""
        a, b, c, d, e = self
        v, w, x, y, z = other
        return Outcomes(a + v, b + w, c + x, d + y, e + z)


_ONE = {outcome: Outcomes(**{outcome.value: 1}) for outcome in Outcome}


class Sample(NamedTuple):
    """A question as evidence: enough to show it and to link to it. Sorts newest last."""

    asked_at: int
    request_id: str
    text: str
    outcome: Outcome
    score: int | None


@dataclass(frozen=True, slots=True)
class SkillTally:
    """What was asked about one skill. `gap_points` / 80 is its gap; `own` answers came from the
    CV's entry of that very skill."""

    category: str
    umbrella: bool
    outcomes: Outcomes
    gap_points: int = 0
    last_missed: int = 0
    own: int = 0
    offered: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)
    sessions: Distinct = field(default_factory=Distinct)

    def merge(self, other: SkillTally) -> SkillTally:
        """The sum. If a newer taxonomy moved the skill, the smaller name stands."""
        return SkillTally(
            category=min(self.category, other.category),
            umbrella=self.umbrella or other.umbrella,
            outcomes=self.outcomes.plus(other.outcomes),
            gap_points=self.gap_points + other.gap_points,
            last_missed=max(self.last_missed, other.last_missed),
            own=self.own + other.own,
            offered=added(self.offered, other.offered),
            words=added(self.words, other.words),
            sessions=self.sessions.merge(other.sessions),
        )


class GroupKey(NamedTuple):
    """What unanswered questions have in common. `kind` is `skill`, `intent` or `text`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class GroupTally:
    """Unanswered questions of one kind, with the newest as samples."""

    count: int
    last_asked: int
    samples: frozenset[Sample] = frozenset()
    sessions: Distinct = field(default_factory=Distinct)

    def merge(self, other: GroupTally) -> GroupTally:
        """The sum."""
        return GroupTally(
            count=self.count + other.count,
            last_asked=max(self.last_asked, other.last_asked),
            samples=self.samples | other.samples,
            sessions=self.sessions.merge(other.sessions),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything that is counted about a set of questions.

    `listed` are the first few questions, for weeks so small that each is shown; `hours` counts by
    weekday × 24 + hour of the owner's clock (Monday 0 o'clock is 0); `scores` counts each score.
    """

    outcomes: Outcomes = field(default_factory=Outcomes)
    anonymous: int = 0
    corrected: int = 0
    clock_skewed: int = 0
    last_asked: int = 0
    scores: Mapping[int, int] = field(default_factory=dict)
    latency: Durations = field(default_factory=Durations)
    cached_latency: Durations = field(default_factory=Durations)
    hours: Mapping[int, int] = field(default_factory=dict)
    days: Mapping[date, Outcomes] = field(default_factory=dict)
    intents: Mapping[str, Outcomes] = field(default_factory=dict)
    skills: Mapping[str, SkillTally] = field(default_factory=dict)
    groups: Mapping[GroupKey, GroupTally] = field(default_factory=dict)
    sessions: Distinct = field(default_factory=Distinct)
    visits: Visits = field(default_factory=Visits)
    listed: frozenset[Sample] = frozenset()

    def merge(self, other: Tally) -> Tally:
        """The tally of both sets of questions, which must not overlap."""
        return Tally(
            outcomes=self.outcomes.plus(other.outcomes),
            anonymous=self.anonymous + other.anonymous,
            corrected=self.corrected + other.corrected,
            clock_skewed=self.clock_skewed + other.clock_skewed,
            last_asked=max(self.last_asked, other.last_asked),
            scores=added(self.scores, other.scores),
            latency=self.latency.merge(other.latency),
            cached_latency=self.cached_latency.merge(other.cached_latency),
            hours=added(self.hours, other.hours),
            days=united(self.days, other.days, Outcomes.plus),
            intents=united(self.intents, other.intents, Outcomes.plus),
            skills=united(self.skills, other.skills, SkillTally.merge),
            groups=united(self.groups, other.groups, GroupTally.merge),
            sessions=self.sessions.merge(other.sessions),
            visits=self.visits.merge(other.visits),
            listed=self.listed | other.listed,
        )


def united(
    left: Mapping[Key, Value], right: Mapping[Key, Value], merge: Callable[[Value, Value], Value]
) -> dict[Key, Value]:
    """Both mappings in one, values of a shared key merged."""
    result = dict(left)
    for key, value in right.items():
        mine = result.get(key)
        result[key] = value if mine is None else merge(mine, value)
    return result


def added(left: Mapping[Key, int], right: Mapping[Key, int]) -> dict[Key, int]:
    """Counts added up."""
    result = dict(left)
    for key, n in right.items():
        result[key] = result.get(key, 0) + n
    return result
