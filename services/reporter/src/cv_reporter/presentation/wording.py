"""How the dashboard says things: sentences, and numbers as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cv_reporter.domain.calendar import Period, local
from cv_reporter.domain.fact import Audience, Outcome
from cv_reporter.domain.findings import (
    BusiestHour,
    Excluded,
    Findings,
    Latency,
    Proportion,
    Totals,
)
from cv_reporter.domain.freshness import Freshness, Pulse
from cv_reporter.domain.numbers import Change
from cv_reporter.domain.report import counted, times
from cv_reporter.domain.summary import SMALL
from cv_reporter.domain.tally import Outcomes
from cv_reporter.domain.words import shown
from cv_reporter.presentation.charts import PART_NAMES, PARTS

NAME = 48
STATES = {"open": "Open", "planned": "Planned", "done": "Done", "wont": "Won’t"}
OUTCOMES = {
    Outcome.FULL: "Answered in full",
    Outcome.PARTIAL: "Answered in part",
    Outcome.NONE: "No match",
    Outcome.NO_RESPONSE: "No response",
    Outcome.UNKNOWN: "Other",
}
PART_OF = dict(zip(Outcome, PARTS, strict=True))
SIGNS = dict(zip(Outcome, ("●", "◐", "○", "×", "?"), strict=True))
"""Outcomes are told apart by sign and word, not by colour alone."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number: which questions are behind it, how it was before, how sure it is."""

    name: str
    label: str
    value: str
    note: str
    before: str
    outcome: str | None = None


def tiles(total: Totals, previous: Totals, found: Findings, *, compared: bool) -> tuple[Tile, ...]:
    """The five tiles."""
    trends = {trend.name: trend for trend in found.trends}
    before = {
        name: f"{trend.before:,} before, {trend.text}" if compared else ""
        for name, trend in trends.items()
    }
    approx = "" if found.sessions.exact else "≈ "
    anonymous = counted(found.sessions.anonymous_questions, "question")
    unnamed = f"plus {anonymous} without a session" if found.sessions.anonymous_questions else ""
    return (
        Tile("questions", "Questions", f"{total.questions:,}", _mean(total), before["questions"]),
        Tile(
            "sessions",
            "Sessions",
            f"{approx}{found.sessions.named:,}",
            unnamed or counted(found.sessions.visits, "visit"),
            before["sessions"],
        ),
        Tile("full", "Answered in full", *_full(total, previous, found, compared), "full"),
        Tile(
            "unanswered",
            "Unanswered",
            f"{found.unanswered:,}",
            f"{total.none:,} no match, {total.no_response:,} no response",
            before["unanswered"],
            "unanswered",
        ),
        Tile(
            "exits",
            "Exits on a miss",
            f"{found.exits_on_miss.part:,}",
            f"of {counted(found.exits_on_miss.whole, 'visit')}{sure(found.exits_on_miss, ': ')}",
            before["exitsOnMiss"],
            "unanswered",  # the end of a visit is no filter; its question is among these
        ),
    )


def _full(total: Totals, previous: Totals, found: Findings, compared: bool) -> tuple[str, str, str]:
    """Value, note and comparison: a percentage only where there is enough to take one of."""
    few = total.answered < SMALL or found.full.percent is None
    value = f"{total.full:,}" if few else f"{found.full.percent:.0f} %"
    note = f"{total.full:,} of {total.answered:,} answered"
    if not few:
        note += f", 95 % sure: {found.full.low:.0f}–{found.full.high:.0f} %"
    if not compared:
        return value, note, ""
    change = Change(total.full, previous.full).text
    return value, note, f"{previous.full:,} of {previous.answered:,} before, {change}"


def _mean(total: Totals) -> str:
    return "no scores" if total.mean_score is None else f"mean score {total.mean_score}"


def sure(share: Proportion, start: str = "") -> str:
    """`31 % (95 % sure: 14–56 %)`; nothing while the whole is too small for percentages."""
    if share.percent is None or share.whole < SMALL:
        return ""
    return f"{start}{share.percent:.0f} % (95 % sure: {share.low:.0f}–{share.high:.0f} %)"


def lead(total: Totals, found: Findings) -> str:
    """The period in a sentence or two."""
    if not total.questions:
        return "Nobody asked your CV anything in this period."
    asked = counted(total.questions, "question")
    if not found.unanswered:
        start = f"{asked}, {'every one' if total.questions > 1 else 'and it was'} answered."
    else:
        start = f"{found.unanswered:,} of {asked} got no answer."
    if not found.gaps:
        return f"{start} No skill has a gap."
    gap = found.gaps[0]
    return (
        f"{start} The widest gap is {shown(gap.skill, NAME)}: asked {times(gap.times)}"
        f" in {counted(gap.sessions, 'session')}."
    )


def outcome_text(outcomes: Outcomes) -> str:
    """`1 in full, 3 in part, 1 no match`."""
    named = zip(outcomes, PART_NAMES, strict=True)
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


def excluded_parts(out: Excluded) -> tuple[tuple[str, str], ...]:
    """Who was left out: the audience's name and `1 test`."""
    listed = (
        (Audience.TEST, out.tests, "test"),
        (Audience.BOT, out.bots, "bot"),
        (Audience.OWNER, out.owner, "of your own"),
    )
    return tuple(
        (audience.value, f"{n:,} {noun}" if audience is Audience.OWNER else counted(n, noun))
        for audience, n, noun in listed
        if n
    )


def pulse_text(fresh: Freshness, time_zone: str) -> tuple[str, str]:
    """The light's word, and what it rests on."""
    if fresh.pulse is Pulse.NEVER:
        return "Silent", "no event in the last four weeks"
    word = {Pulse.FRESH: "Fresh", Pulse.LATE: "Late", Pulse.SILENT: "Silent"}[fresh.pulse]
    told = f"last event {moment(fresh.last_asked, time_zone)}"
    if fresh.pulse is not Pulse.FRESH:
        told += f", {counted(fresh.pause, 'day')} ago; the usual pause is up to {fresh.usual}"
    return word, told


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
    return f"{ms} ms" if ms < 1_000 else f"{ms / 1_000:.2f} s"  # noqa: PLR2004 (ms of a second)


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
