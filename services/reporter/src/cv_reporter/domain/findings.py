"""A period's findings: every number of `docs/metrics.md`, each computed here, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest

from cv_reporter.domain.calendar import Period
from cv_reporter.domain.fact import Audience
from cv_reporter.domain.numbers import Change, mean, percent, rounded, wilson
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import SMALL, TARGET_SCORE, Summary
from cv_reporter.domain.tally import (
    TEXT,
    GroupKey,
    GroupTally,
    Outcomes,
    Sample,
    SkillTally,
    Tally,
)
from cv_reporter.domain.visits import Visits
from cv_reporter.domain.words import similarity, tokens

GROUP_SIMILARITY = 0.3
MAX_GAPS = 20
MAX_OFFERS = 20
MAX_GROUPS = 30
MAX_TEXTS = 400
"""So many texts are compared with one another; rarer ones stay ungrouped."""
MAX_WORDS = 20
MAX_INTENTS = 20
HOURS = 24
WEEKDAYS = 7


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of a period that both services' readers agree on (`cv_contracts.rest.Totals`)."""

    questions: int
    answered: int
    full: int
    partial: int
    none: int
    no_response: int
    mean_score: float | None
    full_percent: float | None
    coverage_percent: float | None
    named_sessions: int
    latency_p50_ms: int | None
    latency_p95_ms: int | None


@dataclass(frozen=True, slots=True)
class Proportion:
    """`part` of `whole`: percent with its Wilson 95 % interval, all `None` when `whole` is 0."""

    part: int
    whole: int
    percent: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, part: int, whole: int) -> Proportion:
        """The proportion with its interval."""
        low, high = wilson(part, whole) or (None, None)
        return cls(part, whole, percent(part, whole), low, high)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Named sessions (an estimate unless `exact`), their visits, and questions without one."""

    named: int
    exact: bool
    visits: int
    anonymous_questions: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A skill that was asked for and not fully answered. `gap` = Σ max(0, 80 − score) / 80."""

    skill: str
    category: str
    gap: float
    times: int
    sessions: int
    outcomes: Outcomes
    before: int
    change: str
    offered: str | None
    on_cv: bool
    last_missed: int
    status: str = "open"
    reopened: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What visitors got instead of what they asked for."""

    asked: str
    source: str
    times: int


@dataclass(frozen=True, slots=True)
class Group:
    """Unanswered questions that belong together. `kind` is skill, intent or text."""

    kind: str
    label: str
    # the skill, the intent, or the words that lead it; those are left out of a kept report
    key: str
    count: int
    sessions: int
    last_asked: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class WordCount:
    """A word and how often it was used."""

    word: str
    times: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How visitors say a skill's name."""

    skill: str
    words: tuple[WordCount, ...]


@dataclass(frozen=True, slots=True)
class IntentCount:
    """What visitors are after, and how that went."""

    intent: str
    label: str
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Trend:
    """A count beside that of the period before."""

    name: str
    now: int
    before: int
    text: str


@dataclass(frozen=True, slots=True)
class Latency:
    """The chatbot's own times in ms; `reported` of `answered` carried one, cached ones apart."""

    p50_ms: int | None
    p95_ms: int | None
    exact: bool
    reported: int
    cached: int
    cached_p50_ms: int | None
    answered: int


@dataclass(frozen=True, slots=True)
class BusiestHour:
    """A weekday (Monday is 0) and an hour of the owner's clock, with its questions."""

    weekday: int
    hour: int
    questions: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day's questions by outcome."""

    day: date
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class DataHealth:
    """What the numbers rest on. `None` = not reported."""

    queries: int
    answered: int
    no_response: int
    corrected: int
    clock_skewed: int
    unknown_outcome: int
    exact_repeats: int
    conflicts: int | None = None
    dead_letters: int | None = None


@dataclass(frozen=True, slots=True)
class Excluded:
    """Questions that do not count, and why."""

    bots: int
    owner: int
    tests: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a period says, beside its totals."""

    sessions: Sessions
    full: Proportion
    unanswered: int
    exits_on_miss: Proportion
    rephrased: Proportion
    gaps: tuple[Gap, ...]
    offers: tuple[Offer, ...]
    groups: tuple[Group, ...]
    ungrouped: int
    vocabulary: tuple[Vocabulary, ...]
    intents: tuple[IntentCount, ...]
    trends: tuple[Trend, ...]
    latency: Latency
    histogram: tuple[int, ...]
    hours: tuple[tuple[int, ...], ...]
    days: tuple[DayCount, ...]
    health: DataHealth
    excluded: Excluded
    prompt_attacks: int
    without_attacks: Totals | None
    listed: tuple[Sample, ...]
    last_asked: int

    @property
    def busiest_hour(self) -> BusiestHour | None:
        """The one with the most questions; no field, for `hours` tells it already."""
        return busiest_hour(self.hours)


def totals(tally: Tally) -> Totals:
    """The period's totals."""
    outcomes = tally.outcomes
    scored = sum(tally.scores.values())
    return Totals(
        questions=outcomes.questions,
        answered=outcomes.answered,
        full=outcomes.full,
        partial=outcomes.partial,
        none=outcomes.none,
        no_response=outcomes.no_response,
        mean_score=mean(sum(score * n for score, n in tally.scores.items()), scored),
        full_percent=percent(outcomes.full, outcomes.answered),
        coverage_percent=percent(outcomes.full + outcomes.partial, outcomes.questions),
        named_sessions=tally.sessions.count,
        latency_p50_ms=tally.latency.percentile(50),
        latency_p95_ms=tally.latency.percentile(95),
    )


def findings(
    this: Summary, before: Summary, period: Period, policy: Policy, *, attacks: bool = True
) -> Findings:
    """All findings of a period beside the one before; `attacks=False` leaves prompt attacks out."""
    tally, earlier = this.tally(attacks=attacks), before.tally(attacks=attacks)
    visits = tally.visits.stitched()
    grouped = groups(tally, policy)
    return Findings(
        sessions=Sessions(
            tally.sessions.count, tally.sessions.exact, visits.visits, tally.anonymous
        ),
        full=Proportion.of(tally.outcomes.full, tally.outcomes.answered),
        unanswered=tally.outcomes.unanswered,
        exits_on_miss=Proportion.of(visits.exits_on_miss, visits.visits),
        rephrased=Proportion.of(visits.rephrased, visits.missed),
        gaps=gaps(tally, earlier),
        offers=offers(tally),
        groups=grouped,
        ungrouped=tally.outcomes.unanswered - sum(group.count for group in grouped),
        vocabulary=vocabulary(tally),
        intents=intents(tally, policy),
        trends=trends(tally, earlier, visits),
        latency=latency(tally),
        histogram=histogram(tally.scores),
        hours=hours(tally.hours),
        days=tuple(DayCount(day, tally.days.get(day, Outcomes())) for day in period.days),
        health=health(tally, visits.repeated),
        excluded=excluded(this.excluded),
        prompt_attacks=this.attacks,
        without_attacks=totals(this.tally(attacks=False)) if this.attacks and attacks else None,
        listed=tuple(sorted(tally.listed)) if tally.outcomes.questions < SMALL else (),
        last_asked=tally.last_asked,
    )


def gaps(tally: Tally, earlier: Tally) -> tuple[Gap, ...]:
    """The skills with a gap, largest first; umbrella skills are too wide to be one."""
    missed = (
        (name, skill)
        for name, skill in tally.skills.items()
        if skill.gap_points and not skill.umbrella
    )
    ranked = sorted(
        missed, key=lambda item: (-item[1].gap_points, -item[1].outcomes.questions, item[0])
    )
    return tuple(_gap(name, skill, earlier.skills.get(name)) for name, skill in ranked[:MAX_GAPS])


def _gap(name: str, skill: SkillTally, earlier: SkillTally | None) -> Gap:
    times = skill.outcomes.questions
    before = earlier.outcomes.questions if earlier else 0
    return Gap(
        skill=name,
        category=skill.category,
        gap=rounded(skill.gap_points, TARGET_SCORE, 2),
        times=times,
        sessions=skill.sessions.count,
        outcomes=skill.outcomes,
        before=before,
        change=Change(times, before).text,
        offered=_most_offered(skill),
        on_cv=skill.own > 0,
        last_missed=skill.last_missed,
    )


def _most_offered(skill: SkillTally) -> str | None:
    ranked = sorted(skill.offered.items(), key=lambda item: (-item[1], item[0]))
    return ranked[0][0] if ranked else None


def offers(tally: Tally) -> tuple[Offer, ...]:
    """Asked → offered, most often first."""
    listed = (
        Offer(name, source, times)
        for name, skill in tally.skills.items()
        if not skill.umbrella
        for source, times in skill.offered.items()
    )
    return tuple(sorted(listed, key=lambda o: (-o.times, o.asked, o.source))[:MAX_OFFERS])


def groups(tally: Tally, policy: Policy) -> tuple[Group, ...]:
    """The unanswered questions by skill, else intent, else likeness; most often first."""
    listed = [_group(key, group, policy) for key, group in tally.groups.items() if key.kind != TEXT]
    listed += [_group(key, group, policy) for key, group in alike(texts(tally))]
    ranked = sorted(listed, key=lambda g: (-g.count, -g.last_asked, g.label))
    return tuple(ranked[:MAX_GROUPS])


def texts(tally: Tally) -> dict[GroupKey, GroupTally]:
    """The unanswered questions of no skill and no intent, the most asked ones."""
    grouped = ((key, group) for key, group in tally.groups.items() if key.kind == TEXT)
    return dict(nsmallest(MAX_TEXTS, grouped, key=_commonest))


def _commonest(text: tuple[GroupKey, GroupTally]) -> tuple[int, GroupKey]:
    return -text[1].count, text[0]


def alike(asked: Mapping[GroupKey, GroupTally]) -> list[tuple[GroupKey, GroupTally]]:
    """Join texts whose words overlap by at least 0.3 with the first of a group.

    Most asked first, so that the group is named by its commonest question. Done when reading, for
    such a clustering depends on what it has seen and could not be merged.
    """
    return [
        (members[0], asked[members[0]].merge(*[asked[key] for key in members[1:]]))
        for members in clusters(asked)
    ]


def clusters(asked: Mapping[GroupKey, GroupTally]) -> list[list[GroupKey]]:
    """Which texts belong together; each list begins with the text that leads it.

    A text is compared with those leads that have 0.3 of its words: all others are unlike anyway.
    """
    joined: list[tuple[frozenset[str], list[GroupKey]]] = []
    leads: defaultdict[str, list[int]] = defaultdict(list)
    for key, _ in sorted(asked.items(), key=_commonest):
        words = tokens(key.name)
        shared = Counter(place for word in words for place in leads[word])
        least = GROUP_SIMILARITY * len(words)
        for place in sorted(place for place, n in shared.items() if n >= least):
            if similarity(words, joined[place][0]) >= GROUP_SIMILARITY:
                joined[place][1].append(key)
                break
        else:
            for word in words:
                leads[word].append(len(joined))
            joined.append((words, [key]))
    return [members for _, members in joined]


def _group(key: GroupKey, group: GroupTally, policy: Policy) -> Group:
    newest = sorted(group.samples, reverse=True)[:3]
    label = {"skill": key.name, "intent": policy.label(key.name)}.get(key.kind, newest[0].text)
    return Group(
        kind=key.kind,
        label=label,
        key=key.name,
        count=group.count,
        sessions=group.sessions.count,
        last_asked=group.last_asked,
        samples=tuple(newest),
    )


def vocabulary(tally: Tally) -> tuple[Vocabulary, ...]:
    """The skills that are called by another word than their own name, most asked first."""
    spoken = (
        (name, skill)
        for name, skill in tally.skills.items()
        if not skill.umbrella and any(not is_own_word(word, name) for word in skill.words)
    )
    ranked = sorted(spoken, key=lambda item: (-item[1].outcomes.questions, item[0]))
    return tuple(Vocabulary(name, words(skill)) for name, skill in ranked[:MAX_WORDS])


def is_own_word(word: str, skill: str) -> bool:
    """Whether a word is the skill's own name, give or take case, plural or a word around it."""
    return word.casefold() == skill.casefold() or (
        bool(tokens(skill)) and tokens(skill) <= tokens(word)
    )


def words(skill: SkillTally) -> tuple[WordCount, ...]:
    """The words for a skill, most used first."""
    ranked = sorted(skill.words.items(), key=lambda item: (-item[1], item[0]))
    return tuple(WordCount(word, times) for word, times in ranked)


def intents(tally: Tally, policy: Policy) -> tuple[IntentCount, ...]:
    """The intents, most asked first. A question can have several."""
    ranked = sorted(tally.intents.items(), key=lambda item: (-item[1].questions, item[0]))
    return tuple(
        IntentCount(intent, policy.label(intent), outcomes)
        for intent, outcomes in ranked[:MAX_INTENTS]
    )


def trends(tally: Tally, earlier: Tally, visits: Visits) -> tuple[Trend, ...]:
    """The five headline counts beside those of the period before; `visits` are stitched."""
    then = earlier.visits.stitched()
    pairs = (
        ("questions", tally.outcomes.questions, earlier.outcomes.questions),
        ("sessions", tally.sessions.count, earlier.sessions.count),
        ("full", tally.outcomes.full, earlier.outcomes.full),
        ("unanswered", tally.outcomes.unanswered, earlier.outcomes.unanswered),
        ("exitsOnMiss", visits.exits_on_miss, then.exits_on_miss),
    )
    return tuple(Trend(name, n, m, Change(n, m).text) for name, n, m in pairs)


def latency(tally: Tally) -> Latency:
    """Times of fresh and of cached answers."""
    return Latency(
        p50_ms=tally.latency.percentile(50),
        p95_ms=tally.latency.percentile(95),
        exact=tally.latency.exact,
        reported=tally.latency.n + tally.cached_latency.n,
        cached=tally.cached_latency.n,
        cached_p50_ms=tally.cached_latency.percentile(50),
        answered=tally.outcomes.answered,
    )


def histogram(scores: Mapping[int, int]) -> tuple[int, ...]:
    """Answers by score: 0–9, 10–19, …, 90–100."""
    bins = [0] * 10
    for score, n in scores.items():
        bins[min(score // 10, 9)] += n
    return tuple(bins)


def hours(counts: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    """Questions by weekday (Monday first) and hour of the owner's clock."""
    return tuple(
        tuple(counts.get(weekday * HOURS + hour, 0) for hour in range(HOURS))
        for weekday in range(WEEKDAYS)
    )


def busiest_hour(by_weekday: Sequence[Sequence[int]]) -> BusiestHour | None:
    """The hour of the week with the most questions, the first of equals; nothing without any."""
    counted = (
        BusiestHour(weekday, hour, n)
        for weekday, day in enumerate(by_weekday)
        for hour, n in enumerate(day)
        if n
    )
    return max(counted, key=lambda hour_count: hour_count.questions, default=None)


def health(tally: Tally, repeats: int) -> DataHealth:
    """What the numbers rest on."""
    return DataHealth(
        queries=tally.outcomes.questions,
        answered=tally.outcomes.answered,
        no_response=tally.outcomes.no_response,
        corrected=tally.corrected,
        clock_skewed=tally.clock_skewed,
        unknown_outcome=tally.outcomes.unknown,
        exact_repeats=repeats,
    )


def excluded(counts: Mapping[Audience, int]) -> Excluded:
    """Who was left out."""
    return Excluded(
        bots=counts.get(Audience.BOT, 0),
        owner=counts.get(Audience.OWNER, 0),
        tests=counts.get(Audience.TEST, 0),
    )
