"""Weeks of every kind, built from facts without any AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from cv_reporter.application.intake import AudienceRules, to_fact
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.policy import load_policy
from cv_reporter.domain.report import Comparison, Context, Coverage, WeeklyReport, build_report
from cv_reporter.domain.summary import Summary, merged, summarise
from tests.sample import completed_events

LONDON = "Europe/London"
WEEK_46 = Week(2025, 46)
FACTS = [to_fact(event.data, AudienceRules()) for event in completed_events()]
COMPARED = Comparison(days=7, compared=7)


def by_day(facts: Iterable[Fact], time_zone: str = LONDON) -> dict[date, list[Fact]]:
    """Facts by the owner's day."""
    days: defaultdict[date, list[Fact]] = defaultdict(list)
    for fact in facts:
        days[Placement(time_zone).day(fact)].append(fact)
    return days


def week_summary(facts: Iterable[Fact], week: Week, time_zone: str = LONDON) -> Summary:
    """A week's summary."""
    days = by_day(facts, time_zone)
    return merged(
        summarise(days.get(day, []), day, time_zone, load_policy())
        for day in Period.of_week(week).days
    )


def report_of(
    facts: Sequence[Fact], week: Week = WEEK_46, context: Context | None = None
) -> WeeklyReport:
    """A week's report in London, with earlier weeks on record unless the context says otherwise."""
    return build_report(
        week,
        week_summary(facts, week),
        week_summary(facts, week.minus(1)),
        time_zone=LONDON,
        policy=load_policy(),
        context=context or Context(first_day=date(2025, 11, 3), comparison=COMPARED),
    )


def variants() -> dict[str, WeeklyReport]:
    """The five ways in which a week is told, and the first of all weeks degraded."""
    few = [fact for fact in FACTS if fact.session_id == "s06"]
    listed = Coverage(listed=12, never_asked=("Ansible", "Elixir", "Oracle"))
    normal = Context(first_day=date(2025, 11, 3), comparison=COMPARED, coverage=listed)
    silent = Comparison(days=8, compared=2, problem="the Processor did not answer: circuit open")
    return {
        "normal": report_of(FACTS, context=normal),
        "quiet": report_of([]),
        "first": report_of(FACTS, Week(2025, 45), Context(comparison=COMPARED)),
        "small": report_of(few),
        "degraded": report_of(FACTS, context=replace(normal, comparison=silent)),
    }
