"""The day summary: all that the report needs of a day's facts, in at most 100 KB.

`summarise` recomputes it from the facts, so late, repeated, corrected and erased facts need no
special case. `merge` folds days and shards into a period.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from heapq import nlargest, nsmallest
from typing import NamedTuple

from cv_reporter.domain.calendar import local
from cv_reporter.domain.fact import MISSES, Audience, Fact, Outcome, session_hash
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.sketch import NOTHING, Distinct, Durations
from cv_reporter.domain.tally import (
    TEXT,
    GroupKey,
    GroupTally,
    Outcomes,
    Sample,
    SkillTally,
    Tally,
    added,
)
from cv_reporter.domain.visits import Visits, visits_of
from cv_reporter.domain.words import normalised, shown

TARGET_SCORE = 80
"""The score from which a skill has no gap: the chatbot's own threshold of a full match."""

MINUTE_MS = 60_000
SAMPLE_CHARS = 160
KEPT_SAMPLES = 3
SMALL = 5
"""Below so many questions a week is shown question by question, without percentages."""


class Limits(NamedTuple):
    """How much of a day is kept. Totals never suffer; only long tails and sketches do."""

    skills: int = 120
    offered: int = 3
    words: int = 4
    groups: int = 40
    sessions: int = 256
    edges: int = 16
    intents: int = 30

    def halved(self) -> Limits:
        """The next smaller limits, for a day of hostile names."""
        return Limits(
            skills=self.skills // 2,
            offered=max(1, self.offered // 2),
            words=max(1, self.words // 2),
            groups=self.groups // 2,
            sessions=self.sessions // 2,
            edges=self.edges // 2,
            intents=self.intents // 2,
        )


class Summary(NamedTuple):
    """A day in one shard, or any number of them merged.

    `visitors` counts visitors' questions, prompt attacks included; `without_attacks` the same
    questions without them, and is absent while there was none. Everybody else is only counted;
    `excluded_last` is when the newest question of theirs was asked (UTC ms, 0 without one).
    """

    visitors: Tally = Tally()
    without_attacks: Tally | None = None
    excluded: Mapping[Audience, int] = NOTHING
    excluded_last: int = 0

    def merge(self, *others: Summary) -> Summary:
        """The summary of all; associative and commutative, `Summary()` is neutral."""
        summaries = (self, *others)
        attacked = any(summary.without_attacks is not None for summary in summaries)
        return Summary(
            visitors=Tally.merge(*[summary.visitors for summary in summaries]),
            without_attacks=Tally.merge(*[summary.tally(attacks=False) for summary in summaries])
            if attacked
            else None,
            excluded=added(*[summary.excluded for summary in summaries]),
            excluded_last=max([summary.excluded_last for summary in summaries]),
        )

    def tally(self, *, attacks: bool) -> Tally:
        """The visitors' questions, with or without prompt attacks."""
        return self.visitors if attacks or self.without_attacks is None else self.without_attacks

    @property
    def last_event(self) -> int:
        """When the newest question of all was asked, whoever asked it (UTC ms, 0 without one)."""
        return max(self.visitors.last_asked, self.excluded_last)

    @property
    def attacks(self) -> int:
        """How many questions were prompt attacks."""
        return self.visitors.outcomes.questions - self.tally(attacks=False).outcomes.questions

    def unquoted(self) -> Summary:
        """The same counts without anything that quotes a question: groups, listed, edges."""
        without = self.without_attacks
        return self._replace(
            visitors=_unquoted(self.visitors),
            without_attacks=None if without is None else _unquoted(without),
        )

    def bounded(self, limits: Limits) -> Summary:
        """The same summary with its long tails cut."""
        without = self.without_attacks
        return self._replace(
            visitors=bounded(self.visitors, limits),
            without_attacks=None if without is None else bounded(without, limits),
        )


def merged(summaries: Iterable[Summary]) -> Summary:
    """A period's summary from those of its days and shards."""
    return Summary().merge(*summaries)


def summarise(facts: Sequence[Fact], day: date, time_zone: str, policy: Policy) -> Summary:
    """All that is counted about one day's facts (of one shard), unbounded."""
    visitors = [fact for fact in facts if fact.audience is Audience.VISITOR]
    kept = [fact for fact in visitors if policy.prompt_attack not in fact.intents]
    attacks = [fact for fact in visitors if policy.prompt_attack in fact.intents]
    others = [fact for fact in facts if fact.audience is not Audience.VISITOR]
    undisturbed, attacked = _parted(visitors, attacks)
    shared = visits_of(undisturbed, day, time_zone)

    def counted(asked: Sequence[Fact], left: Sequence[Fact]) -> Tally:
        """Most sessions have no attack, and the same visits in both tallies."""
        visits = shared.merge(visits_of(left, day, time_zone))
        return tally(asked, day, time_zone, policy, visits)

    without = [fact for fact in attacked if policy.prompt_attack not in fact.intents]
    return Summary(
        visitors=counted(visitors, attacked),
        without_attacks=counted(kept, without) if attacks else None,
        excluded=Counter(fact.audience for fact in others),
        excluded_last=max((fact.asked_at for fact in others), default=0),
    )


def _parted(facts: Sequence[Fact], attacks: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
    """The questions of sessions without an attack, and those of sessions with one."""
    sessions = {fact.session_id for fact in attacks}
    undisturbed = [fact for fact in facts if fact.session_id not in sessions]
    return undisturbed, [fact for fact in facts if fact.session_id in sessions]


def tally(
    facts: Sequence[Fact], day: date, time_zone: str, policy: Policy, visits: Visits
) -> Tally:
    """Count a day's questions; `visits` are theirs."""
    outcomes = _outcomes(facts)
    return Tally(
        outcomes=outcomes,
        anonymous=sum(not fact.named for fact in facts),
        corrected=sum(fact.revision > 1 for fact in facts),
        clock_skewed=sum(fact.clock_skewed for fact in facts),
        last_asked=max((fact.asked_at for fact in facts), default=0),
        scores=Counter(fact.score for fact in facts if fact.score is not None),
        latency=_durations(facts, cached=False),
        cached_latency=_durations(facts, cached=True),
        hours=_hours(facts, time_zone),
        days={day: outcomes} if facts else {},
        intents=_intents(facts),
        skills=_skills(facts, policy),
        groups=_groups(facts),
        sessions=Distinct(frozenset(session_hash(f.session_id) for f in facts if f.named)),
        visits=visits,
        listed=frozenset(map(sample, nsmallest(SMALL, facts, key=_age))),
    )


def _age(fact: Fact) -> tuple[int, str]:
    return fact.asked_at, fact.request_id


def sample(fact: Fact) -> Sample:
    """A question as it may be shown: one line, cut, harmless."""
    text = shown(fact.question, SAMPLE_CHARS)
    return Sample(fact.asked_at, fact.request_id, text, fact.outcome, fact.score)


def gap_points(fact: Fact, policy: Policy) -> int:
    """How far the score is below 80: 0–80. No response: 80, unless the bot declines."""
    if fact.outcome is Outcome.NO_RESPONSE:
        return 0 if policy.declines(fact.intents) else TARGET_SCORE
    return 0 if fact.score is None else max(0, TARGET_SCORE - fact.score)


def group_key(fact: Fact) -> GroupKey:
    """What an unanswered question is grouped by: its first skill, else its intent, else itself."""
    skills = [skill.name for skill in fact.skills if not skill.umbrella]
    if skills:
        return GroupKey("skill", skills[0])
    if fact.intents:
        return GroupKey("intent", fact.intents[0])
    return GroupKey(TEXT, normalised(fact.question)[:SAMPLE_CHARS])


def _outcomes(facts: Iterable[Fact]) -> Outcomes:
    counted = Counter(fact.outcome for fact in facts)
    return Outcomes(**{outcome.value: n for outcome, n in counted.items()})


def _hours(facts: Iterable[Fact], time_zone: str) -> dict[int, int]:
    """By weekday × 24 + hour. A day has few minutes, and no clock changes within one."""
    hours: Counter[int] = Counter()
    for minute, n in Counter([fact.asked_at // MINUTE_MS for fact in facts]).items():
        at = local(minute * MINUTE_MS, time_zone)
        hours[at.weekday() * 24 + at.hour] += n
    return hours


def _durations(facts: Iterable[Fact], *, cached: bool) -> Durations:
    return Durations.of(
        fact.total_ms
        for fact in facts
        if fact.total_ms is not None and fact.cache_hit is cached and fact.answered
    )


def _intents(facts: Iterable[Fact]) -> dict[str, Outcomes]:
    by_intent: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        for intent in set(fact.intents):
            by_intent[intent].append(fact)
    return {intent: _outcomes(asked) for intent, asked in by_intent.items()}


def _skills(facts: Iterable[Fact], policy: Policy) -> dict[str, SkillTally]:
    by_skill: defaultdict[str, list[Fact]] = defaultdict(list)
    kinds: dict[str, tuple[str, bool]] = {}
    for fact in facts:
        for skill in dict.fromkeys(fact.skills):
            by_skill[skill.name].append(fact)
            known = kinds.get(skill.name, (skill.category, False))
            kinds[skill.name] = min(known[0], skill.category), known[1] or skill.umbrella
    return {name: _skill(name, *kinds[name], asked, policy) for name, asked in by_skill.items()}


def _skill(
    name: str, category: str, umbrella: bool, facts: Sequence[Fact], policy: Policy
) -> SkillTally:
    points = [gap_points(fact, policy) for fact in facts]
    return SkillTally(
        category=category,
        umbrella=umbrella,
        outcomes=_outcomes(facts),
        gap_points=sum(points),
        last_missed=max(
            (f.asked_at for f, lost in zip(facts, points, strict=True) if lost), default=0
        ),
        own=sum(_best_source(fact) == name.casefold() for fact in facts),
        offered=Counter(source for fact in facts for source in offered_instead(fact, name)),
        words=Counter(word for fact in facts for word in words_for(fact, name)),
        sessions=Distinct(frozenset(session_hash(f.session_id) for f in facts if f.named)),
    )


def offered_instead(fact: Fact, skill: str) -> list[str]:
    """The best source, where a question about the skill got less than full from another."""
    if fact.outcome in {Outcome.FULL, Outcome.NO_RESPONSE} or not fact.sources:
        return []
    best = shown(fact.sources[0], 80)
    return [best] if best and best.casefold() != skill.casefold() else []


def _best_source(fact: Fact) -> str:
    return fact.sources[0].casefold() if fact.sources else ""


def words_for(fact: Fact, skill: str) -> set[str]:
    """The words that the question used for the skill; its own name where none is reported."""
    used = {shown(word.alias, 40) for word in fact.words if word.skill == skill}
    return used or {skill}


def _groups(facts: Iterable[Fact]) -> dict[GroupKey, GroupTally]:
    groups: defaultdict[GroupKey, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.outcome in MISSES:
            groups[group_key(fact)].append(fact)
    return {key: _group(asked) for key, asked in groups.items()}


def _group(facts: Sequence[Fact]) -> GroupTally:
    newest = nlargest(KEPT_SAMPLES, facts, key=_age)
    return GroupTally(
        count=len(facts),
        last_asked=newest[0].asked_at,
        samples=frozenset(sample(fact) for fact in newest),
        sessions=Distinct(frozenset(session_hash(f.session_id) for f in facts if f.named)),
    )


def bounded(whole: Tally, limits: Limits) -> Tally:
    """Cut the long tails: rarest skills, groups and intents, and thin the session sets alike."""
    sessions = whole.sessions.thinned(limits.sessions)
    skills = nsmallest(limits.skills, whole.skills.items(), key=lambda item: rank(*item))
    groups = nsmallest(
        limits.groups, whole.groups.items(), key=lambda item: (-item[1].count, item[0])
    )
    return whole._replace(
        intents=top(whole.intents, limits.intents),
        skills={name: _bounded(skill, limits, sessions.theta) for name, skill in skills},
        groups={
            key: replace(group, sessions=group.sessions.below(sessions.theta))
            for key, group in groups
        },
        sessions=sessions,
        visits=whole.visits.bounded(limits.edges),
    )


def _unquoted(whole: Tally) -> Tally:
    visits = whole.visits._replace(edges=frozenset())
    return whole._replace(groups={}, listed=frozenset(), visits=visits)


def rank(name: str, skill: SkillTally) -> tuple[int, int, str]:
    """Largest gap first, then most asked, then by name."""
    return -skill.gap_points, -skill.outcomes.questions, name


def _bounded(skill: SkillTally, limits: Limits, theta: int) -> SkillTally:
    return skill._replace(
        offered=most(skill.offered, limits.offered),
        words=most(skill.words, limits.words),
        sessions=skill.sessions.below(theta),
    )


def most(counts: Mapping[str, int], keep: int) -> dict[str, int]:
    """The largest counts, ties by name."""
    return dict(nsmallest(keep, counts.items(), key=lambda item: (-item[1], item[0])))


def top(counts: Mapping[str, Outcomes], keep: int) -> dict[str, Outcomes]:
    """The most asked, ties by name."""
    return dict(nsmallest(keep, counts.items(), key=lambda item: (-item[1].questions, item[0])))
