"""The weekly report: the findings of an ISO week, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import chain, islice

from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Audience, Fact
from cv_reporter.domain.findings import (
    Findings,
    Gap,
    Group,
    Totals,
    Vocabulary,
    findings,
    is_own_word,
    totals,
)
from cv_reporter.domain.freshness import Freshness
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import SMALL, Summary, sample
from cv_reporter.domain.tally import TEXT, Sample
from cv_reporter.domain.words import shown

MAX_ACTIONS = 3
FURTHER = 2
COVERAGE_DAYS = 90


class Variant(StrEnum):
    """The variant of the report, by how many questions the week has."""

    NORMAL = "normal"
    QUIET = "quiet"
    FIRST = "first"
    SMALL = "small"


class ActionKind(StrEnum):
    """What the owner can do about a gap."""

    STRENGTHEN = "strengthen"
    DECIDE = "decide"
    USE_THEIR_WORD = "use_their_word"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do this week, the evidence for it, and a question that shows it.

    The question stands in a list, where an erasure finds it by its id.
    """

    kind: ActionKind
    skill: str
    text: str
    evidence: str
    samples: tuple[Sample, ...] = ()


class GapState(StrEnum):
    """What the owner decided about a gap."""

    OPEN = "open"
    PLANNED = "planned"
    DONE = "done"
    WONT = "wont"


@dataclass(frozen=True, slots=True)
class GapStatus:
    """The owner's decision about a skill's gap, and when it was taken (UTC ms)."""

    skill: str
    state: GapState
    since: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Skills on the owner's list that nobody asked about in the last 90 days."""

    listed: int
    never_asked: tuple[str, ...]
    days: int = COVERAGE_DAYS


@dataclass(frozen=True, slots=True)
class Comparison:
    """What reconciliation with the Processor found. `problem` says why days stayed uncompared."""

    days: int = 0
    compared: int = 0
    healed: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Addresses to which mail is no longer sent, by why."""

    bounced: int = 0
    complained: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """An annotation and the skill's answers before and after it, four weeks each."""

    day: date
    text: str
    skill: str | None = None
    before: str | None = None
    after: str | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a report needs beside summaries. All of it is state, none of it is a clock."""

    first_day: date | None = None
    statuses: Mapping[str, GapStatus] = field(default_factory=dict)
    coverage: Coverage | None = None
    comparison: Comparison = Comparison()
    delivery: Delivery = Delivery()
    effects: tuple[Effect, ...] = ()
    dead_letters: int | None = None
    freshness: Freshness | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """The report of one ISO week in the owner's zone; the same input gives the same bytes.

    `until` is the last day that counts, in a week that is not over; so many days count of the week
    before, too.
    """

    week: str
    time_zone: str
    first: date
    last: date
    variant: Variant
    totals: Totals
    previous: Totals | None
    findings: Findings
    actions: tuple[Action, ...]
    comparison: Comparison = Comparison()
    delivery: Delivery = Delivery()
    coverage: Coverage | None = None
    effects: tuple[Effect, ...] = ()
    freshness: Freshness | None = None
    until: date | None = None

    @property
    def degraded(self) -> bool:
        """Whether something kept the numbers from being verified."""
        return self.comparison.problem is not None

    @property
    def period(self) -> Period:
        """The report's days."""
        return Period(self.first, self.last)


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """A period's numbers beside those of the equally long period before."""

    first: date
    last: date
    time_zone: str
    totals: Totals
    previous: Totals
    findings: Findings


def period_summary(
    this: Summary,
    before: Summary,
    period: Period,
    *,
    time_zone: str,
    policy: Policy,
    statuses: Mapping[str, GapStatus],
    attacks: bool = True,
) -> PeriodSummary:
    """A period's numbers, for the report, the API and the dashboard alike.

    `attacks=False` leaves prompt attacks out.
    """
    results = findings(this, before, period, policy, attacks=attacks)
    return PeriodSummary(
        first=period.first,
        last=period.last,
        time_zone=time_zone,
        totals=totals(this.tally(attacks=attacks)),
        previous=totals(before.tally(attacks=attacks)),
        findings=replace(results, gaps=with_status(results.gaps, statuses)),
    )


def build_report(
    week: Week,
    this: Summary,
    before: Summary,
    *,
    time_zone: str,
    policy: Policy,
    context: Context | None = None,
) -> WeeklyReport:
    """The report of a week beside the week before."""
    context = context or Context()
    numbers = period_summary(
        this,
        before,
        Period.of_week(week),
        time_zone=time_zone,
        policy=policy,
        statuses=context.statuses,
    )
    results = replace(
        numbers.findings,
        groups=tuple(map(_unquoted, numbers.findings.groups)),
        health=replace(numbers.findings.health, dead_letters=context.dead_letters),
    )
    first = context.first_day is None or context.first_day >= week.first
    return WeeklyReport(
        week=str(week),
        time_zone=time_zone,
        first=numbers.first,
        last=numbers.last,
        variant=variant(numbers.totals.questions, first=first),
        totals=numbers.totals,
        previous=None if first else numbers.previous,
        findings=results,
        actions=actions(results.gaps, results.vocabulary),
        comparison=context.comparison,
        delivery=context.delivery,
        coverage=context.coverage,
        effects=context.effects,
        freshness=context.freshness,
        until=context.until,
    )


def _unquoted(group: Group) -> Group:
    """A kept report quotes questions in samples alone, where an erasure finds them by their id."""
    return replace(group, key="") if group.kind == TEXT else group


def variant(questions: int, *, first: bool) -> Variant:
    """Which variant of the report a week gets."""
    if questions == 0:
        return Variant.QUIET
    if questions < SMALL:
        return Variant.SMALL
    return Variant.FIRST if first else Variant.NORMAL


def with_status(gaps: Sequence[Gap], statuses: Mapping[str, GapStatus]) -> tuple[Gap, ...]:
    """The gaps with what the owner decided; a gap that is missed again after "done" reopens."""
    known = sorted(statuses.values(), key=lambda status: status.since)
    by_name = {status.skill.casefold(): status for status in known}
    return tuple(_with_status(gap, by_name.get(gap.skill.casefold())) for gap in gaps)


def _with_status(gap: Gap, status: GapStatus | None) -> Gap:
    if status is None:
        return gap
    if status.state is GapState.DONE and gap.last_missed > status.since:
        return replace(gap, status=GapState.OPEN, reopened=True)
    return replace(gap, status=status.state)


def by_sessions(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Gaps by sessions first: a visitor who asks fifty times does not lead those who ask once."""
    return tuple(sorted(gaps, key=lambda gap: (-gap.sessions, -gap.gap, gap.skill)))


def actions(gaps: Sequence[Gap], vocabulary: Sequence[Vocabulary]) -> tuple[Action, ...]:
    """At most three, each of another kind of change, the most sessions first.

    A skill that is missing from the CV, further ones together, an entry that does not answer, a
    word to use.
    """
    ranked = by_sessions(gap for gap in gaps if gap.status in {GapState.OPEN, GapState.PLANNED})
    missing = [gap for gap in ranked if not gap.on_cv]
    weak = [gap for gap in ranked if gap.on_cv]
    proposed = {gap: _strengthen(gap) for gap in weak[:1]}
    proposed |= {gap: _decide(gap) for gap in missing[:1]}
    if missing[1:]:
        proposed[missing[1]] = _decide_further(missing[1 : 1 + FURTHER])
    for_gaps = [proposed[gap] for gap in ranked if gap in proposed]
    for_words = [action for spoken in vocabulary for action in _for_words(spoken)][:1]
    return tuple((for_gaps[: MAX_ACTIONS - len(for_words)] + for_words)[:MAX_ACTIONS])


def with_questions(
    proposed: Iterable[Action], gaps: Iterable[Gap], asked_at: Callable[[int], Iterable[Fact]]
) -> tuple[Action, ...]:
    """The actions, each with the newest question that it is about, in mail and dashboard alike.

    `asked_at` finds the questions that were asked at a millisecond (UTC).
    """
    missed = {gap.skill: gap.last_missed for gap in gaps}
    return tuple(
        replace(action, samples=_about(action.skill, asked_at(missed[action.skill])))
        if missed.get(action.skill)
        else action
        for action in proposed
    )


def question_of(action: Action, groups: Iterable[Group]) -> Sample | None:
    """The question that an action quotes.

    Where the newest one is gone, the newest of those that got no answer; none if all got some.
    """
    about = (group for group in groups if (group.kind, group.key) == ("skill", action.skill))
    unanswered = chain.from_iterable(group.samples for group in about)
    return next(chain(action.samples, unanswered), None)


def _about(skill: str, facts: Iterable[Fact]) -> tuple[Sample, ...]:
    """A visitor's question that names the skill."""
    about = (
        sample(fact)
        for fact in facts
        if fact.audience is Audience.VISITOR and skill in {named.name for named in fact.skills}
    )
    return tuple(islice(about, 1))


def _strengthen(gap: Gap) -> Action:
    skill = shown(gap.skill, 40)
    missed = gap.times - gap.outcomes.full
    which = (
        f"{missed} of {gap.times:,} questions about it"
        if gap.times > 1
        else "the question about it"
    )
    text = (
        f"{skill} is on your CV, but {which} got no full answer: "
        "write there what you did with it, and with which result."
    )
    return Action(ActionKind.STRENGTHEN, gap.skill, text, _asked(gap))


def _decide(gap: Gap) -> Action:
    skill = shown(gap.skill, 40)
    if gap.status == GapState.PLANNED:
        text = f"{skill} is what you planned to add, and it was asked for again: add it now."
        return Action(ActionKind.DECIDE, gap.skill, text, _asked(gap))
    instead = f" and name {shown(gap.offered, 40)}" if gap.offered else ""
    text = (
        f"{skill}: add a project that shows it to your CV. If you have none, "
        f"let the bot say so{instead}."
    )
    return Action(ActionKind.DECIDE, gap.skill, text, _asked(gap))


def _decide_further(gaps: Sequence[Gap]) -> Action:
    """The next missing skills in one action: three times the same advice would help nobody."""
    names = " and ".join(shown(gap.skill, 40) for gap in gaps)
    are = "is" if len(gaps) == 1 else "are"
    them = "it" if len(gaps) == 1 else "them"
    text = f"{names} {are} missing too: list what you have used, or have the bot decline {them}."
    evidence = "asked: " + ", ".join(f"{shown(g.skill, 40)} {times(g.times)}" for g in gaps)
    return Action(ActionKind.DECIDE, gaps[0].skill, text, evidence)


def _asked(gap: Gap) -> str:
    where = f" in {counted(gap.sessions, 'session')}" if gap.sessions else ""
    return f"asked {times(gap.times)}{where}"


def _for_words(spoken: Vocabulary) -> list[Action]:
    """Their word, used twice or more, and more often than the skill's own name."""
    own = sum(use.times for use in spoken.words if is_own_word(use.word, spoken.skill))
    other = (use for use in spoken.words if not is_own_word(use.word, spoken.skill))
    theirs = next(other, None)
    if theirs is None or theirs.times <= max(own, 1):
        return []
    word, skill = shown(theirs.word, 40), shown(spoken.skill, 40)
    text = f"Use their word: write “{word}” beside “{skill}”."
    evidence = f"“{word}” {times(theirs.times)}, “{skill}” {times(own)}"
    return [Action(ActionKind.USE_THEIR_WORD, spoken.skill, text, evidence)]


def times(n: int) -> str:
    """`never`, `once`, `3 times`."""
    return {0: "never", 1: "once"}.get(n, f"{n:,} times")


def counted(n: int, noun: str) -> str:
    """`1 session`, `3 sessions`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
