"""How mail and dashboard say things: sentences, and numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor

from cv_reporter.domain.calendar import MS, Period, local
from cv_reporter.domain.fact import Outcome
from cv_reporter.domain.findings import (
    BusiestHour,
    DataHealth,
    Findings,
    Latency,
    Proportion,
    Totals,
)
from cv_reporter.domain.freshness import Freshness, Pulse
from cv_reporter.domain.report import (
    Comparison,
    Delivery,
    GapState,
    Variant,
    WeeklyReport,
    by_sessions,
    counted,
)
from cv_reporter.domain.summary import SMALL
from cv_reporter.domain.words import shown
from cv_reporter.presentation.charts import PART_NAMES, PARTS

NAME = 48
RHYTHM = 3
"""So many days with questions make a rhythm that a pause can be judged by."""
DECISIONS = {
    "planned": "you planned it",
    "done": "you marked it as done",
    "wont": "you won’t do it",
}
STATES = {"open": "Open", "planned": "Planned", "done": "Done", "wont": "Won’t do it"}
OUTCOMES = {
    Outcome.FULL: "Answered in full",
    Outcome.PARTIAL: "Answered in part",
    Outcome.NONE: "No match",
    Outcome.NO_RESPONSE: "No response",
    Outcome.UNKNOWN: "Other",
}
PART_OF = dict(zip(Outcome, PARTS, strict=True))
SIGNS = dict(zip(Outcome, ("●", "◐", "○", "×", "?"), strict=True))
"""Each outcome has a sign and a word: colour alone does not distinguish them."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share as text: `32%`, and what it is of: `8 of 25, likely 17–52%`."""

    value: str
    note: str


def share(part: int, whole: int) -> Share:
    """A percentage with its interval, or just the counts while there are too few for one."""
    if whole < SMALL:
        return Share(f"{part:,} of {whole:,}", "")
    proportion = Proportion.of(part, whole)
    return Share(percent_text(proportion.percent), f"{part:,} of {whole:,}, {likely(proportion)}")


def percent_text(percent: float | None) -> str:
    """`32%`, `62.5%`: the digits that API and CSV carry, none added and none taken."""
    return "–" if percent is None else f"{percent:g}%"


def likely(proportion: Proportion) -> str:
    """`likely 17–52%`: the interval in whole percent, rounded outwards so that it still holds."""
    return f"likely {floor(proportion.low or 0)}–{ceil(proportion.high or 0)}%"


def sure(share: Proportion, start: str = "") -> str:
    """`31.3% (likely 14–56%)`; nothing while the whole is too small for percentages."""
    if share.percent is None or share.whole < SMALL:
        return ""
    return f"{start}{percent_text(share.percent)} ({likely(share)})"


def unfinished(report: WeeklyReport) -> tuple[str, ...]:
    """That the week is not over; nothing of a whole week."""
    if report.until is None:
        return ()
    return (
        f"This week is not over. It counts up to {day_text(report.until)}, and so does the week "
        "before that it is compared with.",
    )


def checked(comparison: Comparison) -> bool:
    """Whether every day of the period was compared with the Processor."""
    return 0 < comparison.days == comparison.compared and not comparison.problem


def unchecked(comparison: Comparison) -> tuple[str, ...]:
    """What was not checked, before any number; nothing if everything was."""
    if checked(comparison):
        return ()
    if not comparison.days:
        return ("These numbers were not checked against the Processor.",)
    why = f" ({shown(comparison.problem, 100)})" if comparison.problem else ""
    if not comparison.compared:
        return (f"Not checked against the Processor{why}. Questions may be missing.",)
    days = counted(comparison.days, "day")
    return (
        f"Only {comparison.compared} of {days} were checked against the Processor{why}. "
        "Questions may be missing.",
    )


def dead_letters(n: int) -> str:
    """That so many events wait in the dead-letter queue.

    What they were about is not known, and a comparison may have fetched it since.
    """
    return (
        f"{counted(n, 'event')} could not be processed and {'waits' if n == 1 else 'wait'} in the "
        "dead-letter queue: questions may be missing, or not yet erased."
    )


def data_problems(health: DataHealth, delivery: Delivery) -> tuple[str, ...]:
    """What is wrong with the data or with the mail; nothing if nothing is known to be."""
    problems = [dead_letters(health.dead_letters)] if health.dead_letters else []
    if delivery.bounced:
        problems.append(f"Mails to {counted(delivery.bounced, 'recipient')} bounced and stopped.")
    if delivery.complained:
        readers = counted(delivery.complained, "recipient")
        problems.append(f"Mails to {readers} were reported as spam and stopped.")
    return tuple(problems)


def week_summary(report: WeeklyReport) -> str:
    """The week in a few sentences, none of which claims what was not checked."""
    if report.variant is Variant.QUIET:
        return _quiet(report)
    total, findings = report.totals, report.findings
    asked = counted(total.questions, "question")
    if findings.sessions.named:
        approx = "" if findings.sessions.exact else "about "
        asked += f" in {approx}{counted(findings.sessions.named, 'session')}"
    gaps = by_sessions(gap for gap in findings.gaps if gap.status != GapState.WONT)
    parts = [f"{asked}: {_answers(total, findings)}."]
    if report.variant is Variant.SMALL:
        parts.append("Too few for percentages, so here is the list.")
    elif gaps:
        parts = [
            f"{asked}: {_answers(total, findings)}. "
            f"The most common gap is {shown(gaps[0].skill, NAME)}."
        ]
    if report.variant is Variant.FIRST:
        parts.append("This is the first report, so there is no week to compare with.")
    return " ".join(parts + _stopped(report))


def in_full(total: Totals) -> str:
    """`8 answered in full`, `none answered in full`."""
    return f"{total.full:,} answered in full" if total.full else "none answered in full"


def _answers(total: Totals, findings: Findings) -> str:
    if not findings.unanswered:
        return "it got an answer" if total.questions == 1 else "all got an answer"
    if findings.unanswered == total.questions:
        return "it got no answer" if total.questions == 1 else "none got an answer"
    return f"{in_full(total)}, {findings.unanswered:,} not at all"


def _quiet(report: WeeklyReport) -> str:
    fresh = report.freshness
    sure = checked(report.comparison) and not report.findings.health.dead_letters
    start = "Nobody asked your CV anything this week." if sure else "No question arrived this week."
    if report.until:
        start = "No question has arrived this week so far."
    if fresh is None:
        return start
    if fresh.pulse is Pulse.NEVER and report.previous is None:
        return (
            "No question has ever arrived. If the chatbot is live, check that it sends its events."
        )
    if fresh.pulse is Pulse.NEVER:
        return f"{start} Nor did one in the nine weeks before: check that the chatbot still sends."
    return " ".join([start, f"The last one came on {_day(fresh, report)}.", *_judged(fresh)])


def _stopped(report: WeeklyReport) -> list[str]:
    """That questions stopped within a week that had some."""
    fresh = report.freshness
    if fresh is None or fresh.days < RHYTHM or fresh.pulse in {Pulse.FRESH, Pulse.NEVER}:
        return []
    return [f"None came after {_day(fresh, report)}.", *_judged(fresh)]


def _day(fresh: Freshness, report: WeeklyReport) -> str:
    return day_text(local(fresh.last_asked, report.time_zone).date())


def _judged(fresh: Freshness) -> list[str]:
    """Whether the pause is unusual for this owner, as far as that can be known."""
    if fresh.days < RHYTHM:
        return ["There were too few questions before to say whether that is unusual."]
    most = counted(fresh.usual, "day")
    if fresh.pulse is Pulse.FRESH:
        return [f"That is not unusual here: pauses took up to {most} before."]
    return [f"That is unusual here: pauses took {most} at most. Check that the chatbot sends."]


def outcome_text(counts: Sequence[int]) -> str:
    """`1 in full, 3 in part, 1 no match`, from counts in the order of `PART_NAMES`."""
    named = zip(counts, PART_NAMES, strict=True)
    return ", ".join(f"{n:,} {name}" for n, name in named if n) or "none"


def dates(period: Period) -> str:
    """`10–16 Nov 2025`, `27 Oct – 2 Nov 2025`, `29 Dec 2024 – 4 Jan 2025`."""
    first, last = period.first, period.last
    end = f"{last.day} {last:%b} {last.year}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {end}"
    return f"{first.day} {first:%b} {first.year} – {end}"


def when(at_ms: int, time_zone: str) -> str:
    """`Thu 13 Nov 2025, 11:12`, on the owner's clock."""
    at = local(at_ms, time_zone)
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}"


def moment(at_ms: int, time_zone: str) -> str:
    """`Thu 13 Nov, 11:12`, of what is not long ago."""
    at = local(at_ms, time_zone)
    return f"{at:%a} {at.day} {at:%b, %H:%M}"


def day_text(day: date) -> str:
    """`Thu 13 Nov`."""
    return f"{day:%a} {day.day} {day:%b}"


def latency_rows(latency: Latency) -> tuple[tuple[str, str], ...]:
    """Times of the answers, or that none were reported."""
    if not latency.reported:
        return (("Response time", f"not reported (0 of {latency.answered:,})"),)
    approx = "" if latency.exact else "≈ "
    fresh = latency.reported - latency.cached
    rows = [("Reported", f"for {latency.reported:,} of {latency.answered:,} answers")]
    if latency.p50_ms is not None and latency.p95_ms is not None:
        rows += [
            ("Median", f"{approx}{seconds(latency.p50_ms)} ({fresh:,} not cached)"),
            ("95 % within", f"{approx}{seconds(latency.p95_ms)}"),
        ]
    if latency.cached_p50_ms is not None:
        rows.append(("Cached", f"{seconds(latency.cached_p50_ms)} median ({latency.cached:,})"))
    return tuple(rows)


def seconds(ms: int) -> str:
    """`84 ms`, `1.72 s`."""
    return f"{ms} ms" if ms < MS else f"{ms / MS:.2f} s"


def busiest(at: BusiestHour) -> str:
    """`busiest: Thu 11–12 o’clock, 4 questions`."""
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday]
    hours = f"{at.hour:02d}–{at.hour + 1:02d}"
    return f"busiest: {day} {hours} o’clock, {counted(at.questions, 'question')}"


def pause_text(ms: int) -> str:
    """`42 minutes later`, `3 hours later`, `2 days later`."""
    minutes = ms // 60_000
    for unit, size in (("day", 1_440), ("hour", 60)):
        if minutes >= size:
            return f"{counted(minutes // size, unit)} later"
    return f"{counted(minutes, 'minute')} later"
