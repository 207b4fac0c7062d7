"""What the dashboard reads: one period's numbers from summaries, and questions by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from cv_reporter.application.dashboard_fold import Folds
from cv_reporter.application.dashboard_ports import FactReader, SummaryReader
from cv_reporter.application.dashboard_view import View
from cv_reporter.application.ports import (
    AnnotationStore,
    Comparisons,
    FactStore,
    LastComparison,
    Partition,
    Questions,
    StatusStore,
)
from cv_reporter.domain.annotation import Annotation, measured
from cv_reporter.domain.calendar import Period
from cv_reporter.domain.fact import Fact, Placement, rows_at
from cv_reporter.domain.findings import Findings, Proportion, Totals, clusters, texts
from cv_reporter.domain.freshness import RHYTHM_DAYS, Freshness, freshness
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.report import Action, actions, period_summary, with_questions
from cv_reporter.domain.summary import Summary
from cv_reporter.domain.tally import GroupKey, Outcomes


@dataclass(frozen=True, slots=True)
class EffectOf:
    """A note, and how its skill was answered in the four weeks before it and since."""

    note: Annotation
    before: Proportion | None = None
    after: Proportion | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows of a period."""

    view: View
    time_zone: str
    totals: Totals
    previous: Totals
    findings: Findings
    days_before: tuple[Outcomes, ...]
    annotations: tuple[Annotation, ...]
    freshness: Freshness
    first_day: date | None
    comparison: LastComparison | None = None
    effects: tuple[EffectOf, ...] = ()
    so_far: bool = False

    @property
    def compared(self) -> bool:
        """Whether there was anything before the period that it can be compared with."""
        return self.first_day is not None and self.first_day < self.view.period.first


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Reads for the dashboard's pages. A period is read from summaries alone."""

    summaries: SummaryReader
    statuses: StatusStore
    annotations: AnnotationStore
    comparisons: Comparisons
    facts: FactStore
    questions: Questions
    reader: FactReader
    placement: Placement
    policy: Policy
    folds: Folds = field(default_factory=Folds)

    def board(self, view: View, today: date) -> Board:
        """A period's numbers."""
        period, before = view.period, view.period.before()
        summaries = self.summaries.between(before.first, period.last)
        elapsed = so_far(period, today)
        this = self.folds.of(summaries, period)
        earlier = self.folds.of(summaries, Period(before.first, before.first + elapsed))
        whole = self.folds.of(summaries, before)
        numbers = period_summary(
            this,
            earlier,
            period,
            time_zone=self.placement.time_zone,
            policy=self.policy,
            statuses=self.statuses.all(),
            attacks=view.attacks,
        )
        days_before = whole.tally(attacks=view.attacks).days
        notes = tuple(note for note in self.annotations.all() if note.day in period)
        return Board(
            view=view,
            time_zone=numbers.time_zone,
            totals=numbers.totals,
            previous=numbers.previous,
            findings=numbers.findings,
            days_before=tuple(days_before.get(day, Outcomes()) for day in before.days),
            annotations=notes,
            freshness=self._freshness(summaries, Period(before.first, period.last), today),
            first_day=self.summaries.first_day(),
            comparison=self.comparisons.last(),
            effects=tuple(self._effect(note, today) for note in notes),
            so_far=before.first + elapsed < before.last,
        )

    def actions(self, found: Findings) -> tuple[Action, ...]:
        """What to do, each with the question that it quotes: read by the time of asking."""
        proposed = actions(found.gaps, found.vocabulary)
        return with_questions(proposed, found.gaps, self.questions.asked_at)

    def summary(self, period: Period) -> Summary:
        """A period's summary."""
        return self.folds.of(self.summaries.between(period.first, period.last), period)

    def intents(self, period: Period) -> tuple[str, ...]:
        """What visitors were after in a period, most asked first."""
        summaries = self.summaries.between(period.first, period.last)
        asked = self.folds.of(summaries, period).visitors.intents
        return tuple(sorted(asked, key=lambda intent: (-asked[intent].questions, intent)))

    def group(self, view: View, key: GroupKey) -> frozenset[GroupKey]:
        """What an unanswered group was joined from: texts that are alike in that very period."""
        summaries = self.summaries.between(view.period.first, view.period.last)
        folded = self.folds.of(summaries, view.period)
        joined = clusters(texts(folded.tally(attacks=view.attacks)))
        return next((frozenset(members) for members in joined if key in members), frozenset({key}))

    def session(self, session_id: str) -> list[Fact]:
        """A session's questions, oldest first."""
        return self.reader.at(self.facts.of_session(session_id))

    def question(self, asked_at: int, request_id: str) -> Fact | None:
        """One question."""
        facts = self.reader.at(rows_at(request_id, asked_at, self.placement))
        return facts[0] if facts else None

    def _freshness(
        self, summaries: Mapping[Partition, Summary], known: Period, today: date
    ) -> Freshness:
        """From what was read already, where that reaches over the last four weeks."""
        rhythm = Period(today - timedelta(days=RHYTHM_DAYS - 1), today)
        if not (known.first <= rhythm.first and today <= known.last):
            summaries = self.summaries.between(rhythm.first, today)
        days: dict[date, Summary] = {}
        for at, summary in summaries.items():
            if at.day in rhythm:
                days[at.day] = days[at.day].merge(summary) if at.day in days else summary
        return freshness(days, today)

    def _effect(self, note: Annotation, today: date) -> EffectOf:
        """A note with its skill's answers in the four weeks before it and since."""
        if note.skill is None:
            return EffectOf(note)
        summaries = self.summaries.between(note.before.first, min(note.after.last, today))
        days = [(at.day, summary) for at, summary in summaries.items()]
        before, after = (
            measured(note.skill, (summary for day, summary in days if day in period)).full
            for period in (note.before, note.after)
        )
        return EffectOf(note, before, after)


def so_far(period: Period, today: date) -> timedelta:
    """From a period's first day to its last, or to today while it runs."""
    return (min(period.last, today) if today in period else period.last) - period.first
