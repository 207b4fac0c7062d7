"""A tally: the countable truth about some questions. Tallies add up in any order and grouping.

A merge only unites and adds, it never cuts; what must be bounded is bounded where a day is
summarised (`summary.py`). That is why `merge` is associative and commutative without exception. It
takes any number at once, for a period has many days and each step in between would be thrown away.

What is served as JSON is a data class, for pydantic writes it as an object. Other values are named
tuples, which cost a cold start less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeVar

from cv_reporter.domain.fact import Outcome
from cv_reporter.domain.sketch import NOTHING, Distinct, Durations
from cv_reporter.domain.visits import Visits

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Outcomes:
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
    def counts(self) -> tuple[int, int, int, int, int]:
        """The five counts in the order of the fields."""
        return self.full, self.partial, self.none, self.no_response, self.unknown

    @property
    def questions(self) -> int:
        """All of them."""
        return sum(self.counts)

    @property
    def answered(self) -> int:
        """Those with a response."""
        return self.questions - self.no_response

    @property
    def unanswered(self) -> int:
        """Those that left the visitor without an answer: no match, or no response."""
        return self.none + self.no_response

    def plus(self, *others: Outcomes) -> Outcomes:
        """The sum, outcome by outcome."""
        every = [outcomes.counts for outcomes in (self, *others)]
        return Outcomes(*map(sum, zip(*every, strict=True)))


_ONE = {outcome: Outcomes(**{outcome.value: 1}) for outcome in Outcome}


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """A question as evidence: enough to show it and to link to it. Sorts newest last."""

    asked_at: int
    request_id: str
    text: str
    outcome: Outcome
    score: int | None


class SkillTally(NamedTuple):
    """What was asked about one skill. `gap_points` / 80 is its gap; `own` answers came from the
    CV's entry of that very skill."""

    category: str
    umbrella: bool
    outcomes: Outcomes
    gap_points: int = 0
    last_missed: int = 0
    own: int = 0
    offered: Mapping[str, int] = NOTHING
    words: Mapping[str, int] = NOTHING
    sessions: Distinct = Distinct()

    def merge(self, *others: SkillTally) -> SkillTally:
        """The sum. If a newer taxonomy moved the skill, the smaller name stands."""
        every = (self, *others)
        return SkillTally(
            category=min([each.category for each in every]),
            umbrella=any(each.umbrella for each in every),
            outcomes=Outcomes.plus(*[each.outcomes for each in every]),
            gap_points=sum([each.gap_points for each in every]),
            last_missed=max([each.last_missed for each in every]),
            own=sum([each.own for each in every]),
            offered=added(*[each.offered for each in every]),
            words=added(*[each.words for each in every]),
            sessions=Distinct.merge(*[each.sessions for each in every]),
        )


TEXT = "text"


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

    def merge(self, *others: GroupTally) -> GroupTally:
        """The sum."""
        every = (self, *others)
        return GroupTally(
            count=sum([each.count for each in every]),
            last_asked=max([each.last_asked for each in every]),
            samples=frozenset().union(*[each.samples for each in every]),
            sessions=Distinct.merge(*[each.sessions for each in every]),
        )


class Tally(NamedTuple):
    """Everything that is counted about a set of questions.

    `listed` are the first few questions, for weeks so small that each is shown; `hours` counts by
    weekday × 24 + hour of the owner's clock (Monday 0 o'clock is 0); `scores` counts each score.
    """

    outcomes: Outcomes = Outcomes()
    anonymous: int = 0
    corrected: int = 0
    clock_skewed: int = 0
    last_asked: int = 0
    scores: Mapping[int, int] = NOTHING
    latency: Durations = Durations()
    cached_latency: Durations = Durations()
    hours: Mapping[int, int] = NOTHING
    days: Mapping[date, Outcomes] = NOTHING
    intents: Mapping[str, Outcomes] = NOTHING
    skills: Mapping[str, SkillTally] = NOTHING
    groups: Mapping[GroupKey, GroupTally] = NOTHING
    sessions: Distinct = Distinct()
    visits: Visits = Visits()
    listed: frozenset[Sample] = frozenset()

    def merge(self, *others: Tally) -> Tally:
        """The tally of all these sets of questions, which must not overlap."""
        every = (self, *others)
        return Tally(
            outcomes=Outcomes.plus(*[each.outcomes for each in every]),
            anonymous=sum([each.anonymous for each in every]),
            corrected=sum([each.corrected for each in every]),
            clock_skewed=sum([each.clock_skewed for each in every]),
            last_asked=max([each.last_asked for each in every]),
            scores=added(*[each.scores for each in every]),
            latency=Durations.merge(*[each.latency for each in every]),
            cached_latency=Durations.merge(*[each.cached_latency for each in every]),
            hours=added(*[each.hours for each in every]),
            days=united(Outcomes.plus, *[each.days for each in every]),
            intents=united(Outcomes.plus, *[each.intents for each in every]),
            skills=united(SkillTally.merge, *[each.skills for each in every]),
            groups=united(GroupTally.merge, *[each.groups for each in every]),
            sessions=Distinct.merge(*[each.sessions for each in every]),
            visits=Visits.merge(*[each.visits for each in every]),
            listed=frozenset().union(*[each.listed for each in every]),
        )


def united(merge: Callable[..., Value], *mappings: Mapping[Key, Value]) -> dict[Key, Value]:
    """All mappings in one, the values of a shared key merged."""
    values: dict[Key, list[Value]] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            values.setdefault(key, []).append(value)
    return {key: each[0] if len(each) == 1 else merge(*each) for key, each in values.items()}


def added(*counts: Mapping[Key, int]) -> dict[Key, int]:
    """Counts added up."""
    result = dict(counts[0])
    for each in counts[1:]:
        for key, n in each.items():
            result[key] = result.get(key, 0) + n
    return result
