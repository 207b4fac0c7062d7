"""Weeks of every kind, built from facts without any AWS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Fact, Outcome, Placement, Skill, Word
from cv_reporter.domain.freshness import Freshness, Pulse
from cv_reporter.domain.report import (
    Comparison,
    Context,
    Coverage,
    Delivery,
    Effect,
    GapState,
    GapStatus,
    WeeklyReport,
    build_report,
    with_questions,
)
from cv_reporter.domain.summary import Summary, merged, summarise
from tests.sample import completed_events, fact

LONDON = "Europe/London"
WEEK_46 = Week(2025, 46)
FACTS = [to_fact(event.data, AudienceRules()) for event in completed_events()]
COMPARED = Comparison(days=7, compared=7)
DECIDED = {
    "Kubernetes": GapStatus("Kubernetes", GapState.DONE, since=0),
    "Rust": GapStatus("Rust", GapState.WONT, since=0),
    "Kafka": GapStatus("Kafka", GapState.PLANNED, since=0),
}
LAST_ASKED = 1_762_512_000_000
"""Fri 7 Nov 2025, 10:40 UTC, the week before week 46."""
LONG_PAUSE = Context(
    first_day=date(2025, 11, 3),
    comparison=COMPARED,
    freshness=Freshness(Pulse.SILENT, last_asked=LAST_ASKED, pause=9, usual=3, days=12),
)
EFFECTS = (
    Effect(
        date(2025, 11, 10),
        "added a Helm project",
        "Kubernetes",
        "0 of 1 in full: 0.0 % (95 % sure: 0.0–79.3 %)",
        "0 of 4 in full: 0.0 % (95 % sure: 0.0–49.0 %)",
    ),
    Effect(date(2025, 11, 12), "shortened the first page"),
)


def by_day(facts: Iterable[Fact], time_zone: str = LONDON) -> dict[date, list[Fact]]:
    """Facts by the owner's day."""
    days: defaultdict[date, list[Fact]] = defaultdict(list)
    for each in facts:
        days[Placement(time_zone).day(each)].append(each)
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
    report = build_report(
        week,
        week_summary(facts, week),
        week_summary(facts, week.minus(1)),
        time_zone=LONDON,
        policy=load_policy(),
        context=context or Context(first_day=date(2025, 11, 3), comparison=COMPARED),
    )
    quoted = with_questions(
        report.actions,
        report.findings.gaps,
        lambda at: [fact for fact in facts if fact.asked_at == at],
    )
    return replace(report, actions=quoted)


def variants() -> dict[str, WeeklyReport]:
    """The five ways in which a week is told, and the first of all weeks degraded."""
    few = [fact for fact in FACTS if fact.session_id == "s06"]
    listed = Coverage(listed=12, never_asked=("Ansible", "Elixir", "Oracle"))
    normal = Context(
        first_day=date(2025, 11, 3),
        statuses=DECIDED,
        comparison=COMPARED,
        coverage=listed,
        effects=EFFECTS,
        dead_letters=0,
    )
    silent = Comparison(days=8, compared=2, problem="the Processor did not answer: circuit open")
    troubled = replace(normal, comparison=silent, delivery=Delivery(1, 2), dead_letters=3)
    return {
        "normal": report_of(FACTS, context=normal),
        "quiet": report_of([], context=LONG_PAUSE),
        "first": report_of(FACTS, Week(2025, 45), Context(comparison=COMPARED)),
        "small": report_of(few),
        "degraded": report_of(FACTS, context=troubled),
    }


HOSTILE = (
    "\u202dabc\u202c \u200e\u200f\u2060\ufeff\u00ad\u2028x\u2029\U000e0041",
    '" style="background:url(https://evil.example/p.png)" onload="alert(1)',
    "</title></style><style>@import url(https://evil.example)</style>",
    "<a href=https://evil.example>click</a><img src=https://evil.example/p.png>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u202egnp.exe\u2066 \u200bhidden\u0000 https://evil.example/?q=1",
    '=HYPERLINK("https://evil.example","click")',
    "W" * 10_000,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "\r\nBcc: everybody@evil.example",
)


def hostile_report(hostile: str) -> WeeklyReport:
    """A week in which every text that others write is hostile."""
    asked = [
        fact(
            n,
            question=hostile,
            outcome=Outcome.NONE,
            score=10,
            reasoning=hostile,
            skills=(Skill(hostile[:80], hostile[:80]),) if n % 2 else (),
            words=(Word(hostile[:80], f"{hostile[:70]} {n}"),) if n % 2 else (),
            sources=(f"{hostile[:200]} {n}",),
            intents=(hostile[:80],) if n % 3 else (),
        )
        for n in range(8)
    ]
    context = Context(
        first_day=date(2025, 11, 3),
        comparison=Comparison(8, 2, problem=hostile),
        coverage=Coverage(2, (hostile,)),
        effects=(Effect(date(2025, 11, 10), hostile, hostile, "not asked", "not asked"),),
    )
    return report_of(asked, context=context)
