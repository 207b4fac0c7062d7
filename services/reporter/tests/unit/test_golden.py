"""The sample data's totals, to the digit, in three time zones."""

from __future__ import annotations

from collections import defaultdict

import pytest

from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.documents import Document
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.findings import Totals, findings, totals
from cv_reporter.domain.report import WeeklyReport, build_report
from cv_reporter.domain.summary import Summary, merged, summarise
from tests.sample import completed_events, golden

ZONES = sorted(golden())
WEEKS = [(zone, week) for zone in ZONES for week in golden()[zone]]
FACTS = [to_fact(event.data, AudienceRules()) for event in completed_events()]


def week_summary(facts: list[Fact], week: Week, time_zone: str) -> Summary:
    days: defaultdict[object, list[Fact]] = defaultdict(list)
    for fact in facts:
        days[Placement(time_zone).day(fact)].append(fact)
    return merged(
        summarise(days[day], day, time_zone, load_policy()) for day in Period.of_week(week).days
    )


def london(number: int = 46) -> WeeklyReport:
    week = Week(2025, number)
    zone = "Europe/London"
    return build_report(
        week,
        week_summary(FACTS, week, zone),
        week_summary(FACTS, week.minus(1), zone),
        time_zone=zone,
        policy=load_policy(),
    )


@pytest.mark.parametrize(("zone", "week"), WEEKS)
def test_totals_of_every_week_in_every_zone(zone: str, week: str) -> None:
    summary = week_summary(FACTS, Week.parse(week), zone)
    assert Document[Totals](totals(summary.visitors)).model_dump() == golden()[zone][week]


def test_gap_order_of_week_46() -> None:
    gaps = [(gap.skill, gap.gap) for gap in london().findings.gaps]
    assert gaps[:6] == [
        ("Kubernetes", 1.29),
        ("Go", 1.08),
        ("GraphQL", 0.90),
        ("Rust", 0.55),
        ("Machine learning", 0.50),
        ("Certifications", 0.41),
    ]


def test_exits_rephrases_and_repeats_of_week_46() -> None:
    found = london().findings
    assert (found.exits_on_miss.part, found.exits_on_miss.whole) == (5, 10)
    assert found.rephrased.part == 4
    assert found.health.exact_repeats == 1


def test_kubernetes_was_asked_and_docker_offered_three_times() -> None:
    offer = london().findings.offers[0]
    assert (offer.asked, offer.source, offer.times) == ("Kubernetes", "Docker", 3)


def test_the_prompt_attack_can_be_filtered_out() -> None:
    report = london()
    assert report.findings.prompt_attacks == 1
    without = report.findings.without_attacks
    assert without is not None
    assert (without.questions, without.answered, without.mean_score) == (27, 24, 62.8)
    summary = week_summary(FACTS, Week(2025, 46), "Europe/London")
    filtered = findings(
        summary, Summary(), Period.of_week(Week(2025, 46)), load_policy(), attacks=False
    )
    assert filtered.unanswered == 11
