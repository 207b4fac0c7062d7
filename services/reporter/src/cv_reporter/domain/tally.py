"""A tally: what is counted about some questions. Tallies add up in any order and grouping.

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
        skills = (self, *others)
        return SkillTally(
            category=min([skill.category for skill in skills]),
            umbrella=any(skill.umbrella for skill in skills),
            outcomes=Outcomes.plus(*[skill.outcomes for skill in skills]),
            gap_points=sum([skill.gap_points for skill in skills]),
            last_missed=max([skill.last_missed for skill in skills]),
            own=sum([skill.own for skill in skills]),
            offered=added(*[skill.offered for skill in skills]),
            words=added(*[skill.words for skill in skills]),
            sessions=Distinct.merge(*[skill.sessions for skill in skills]),
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
        groups = (self, *others)
        return GroupTally(
            count=sum([group.count for group in groups]),
            last_asked=max([group.last_asked for group in groups]),
            samples=frozenset().union(*[group.samples for group in groups]),
            sessions=Distinct.merge(*[group.sessions for group in groups]),
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
        tallies = (self, *others)
        return Tally(
            outcomes=Outcomes.plus(*[tally.outcomes for tally in tallies]),
            anonymous=sum([tally.anonymous for tally in tallies]),
            corrected=sum([tally.corrected for tally in tallies]),
            clock_skewed=sum([tally.clock_skewed for tally in tallies]),
            last_asked=max([tally.last_asked for tally in tallies]),
            scores=added(*[tally.scores for tally in tallies]),
            latency=Durations.merge(*[tally.latency for tally in tallies]),
            cached_latency=Durations.merge(*[tally.cached_latency for tally in tallies]),
            hours=added(*[tally.hours for tally in tallies]),
            days=united(Outcomes.plus, *[tally.days for tally in tallies]),
            intents=united(Outcomes.plus, *[tally.intents for tally in tallies]),
            skills=united(SkillTally.merge, *[tally.skills for tally in tallies]),
            groups=united(GroupTally.merge, *[tally.groups for tally in tallies]),
            sessions=Distinct.merge(*[tally.sessions for tally in tallies]),
            visits=Visits.merge(*[tally.visits for tally in tallies]),
            listed=frozenset().union(*[tally.listed for tally in tallies]),
        )


def united(merge: Callable[..., Value], *mappings: Mapping[Key, Value]) -> dict[Key, Value]:
    """All mappings in one, the values of a shared key merged."""
    by_key: dict[Key, list[Value]] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            by_key.setdefault(key, []).append(value)
    return {
        key: shared[0] if len(shared) == 1 else merge(*shared) for key, shared in by_key.items()
    }


def added(*counts: Mapping[Key, int]) -> dict[Key, int]:
    """Counts added up."""
    result = dict(counts[0])
    for more in counts[1:]:
        for key, n in more.items():
            result[key] = result.get(key, 0) + n
    return result
