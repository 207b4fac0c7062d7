"""What the Monday letter says, before it is HTML or text: blocks that both renderings share.

Because both are made of the same blocks, the text part carries every fact that the HTML shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape
from itertools import accumulate
from typing import NamedTuple

from cv_reporter.domain.calendar import local
from cv_reporter.domain.fact import Outcome
from cv_reporter.domain.findings import Gap, Group, Latency, Proportion, Totals, Vocabulary
from cv_reporter.domain.report import Variant, WeeklyReport, counted, times
from cv_reporter.domain.tally import Outcomes, Sample
from cv_reporter.domain.words import shown

GAPS = 8
GROUPS = 10
SAMPLES = 2
WORDS = 4
ROWS = 8
NEVER_ASKED = 24
NAME = 48
QUOTE = 160
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OUTCOME_WORDS = ("full", "partial", "none", "no response", "other")
"""In the order of `Outcomes`."""

OUTCOME_NAMES = {
    Outcome.FULL: "answered in full",
    Outcome.PARTIAL: "answered in part",
    Outcome.NONE: "no match",
    Outcome.NO_RESPONSE: "no response",
    Outcome.UNKNOWN: "other",
}


class Notice(NamedTuple):
    """Something that the reader must know before any number."""

    text: str


class Lead(NamedTuple):
    """The week in a sentence or two."""

    title: str
    text: str


class Tile(NamedTuple):
    """A headline number: how it was before, and how sure it is."""

    label: str
    value: str
    note: str
    change: str = ""


class Tiles(NamedTuple):
    """The headline numbers, and what their changes are measured from."""

    tiles: tuple[Tile, ...]
    note: str = ""


class Step(NamedTuple):
    """One thing to do and why."""

    text: str
    evidence: str


class Steps(NamedTuple):
    """What to do this week."""

    title: str
    steps: tuple[Step, ...]


class GapRow(NamedTuple):
    """A skill's row in the gap table."""

    skill: str
    gap: str
    outcomes: Outcomes
    asked: str
    note: str


class GapTable(NamedTuple):
    """Skills by gap, with a bar of their outcomes."""

    title: str
    note: str
    rows: tuple[GapRow, ...]
    more: str = ""


class Quote(NamedTuple):
    """Questions that belong together, and samples of them."""

    label: str
    note: str
    lines: tuple[str, ...]


class Quotes(NamedTuple):
    """Questions as they were asked."""

    title: str
    quotes: tuple[Quote, ...]
    more: str = ""


class Bar(NamedTuple):
    """A labelled count, drawn in proportion to the largest of its chart."""

    label: str
    n: int
    note: str = ""


class Bars(NamedTuple):
    """A small bar chart."""

    title: str
    bars: tuple[Bar, ...]
    note: str = ""


class Facts(NamedTuple):
    """Labelled facts, one line each."""

    title: str
    facts: tuple[tuple[str, str], ...]


class Link(NamedTuple):
    """The way to the questions behind the numbers."""

    text: str
    url: str


Block = Notice | Lead | Tiles | Steps | GapTable | Quotes | Bars | Facts | Link


def cut(text: str, limit: int) -> str:
    """Untrusted text as a harmless line: at most `limit` characters, in HTML 4/3 as many bytes.

    `&` takes five bytes there and an emoji four: the letter stays small whatever it quotes.
    """
    line = shown(text, limit)
    most = 4 * limit // 3
    if _html_bytes(line) <= most:
        return line
    return shown(line, sum(1 for upto in accumulate(map(_html_bytes, line)) if upto <= most))


def _html_bytes(text: str) -> int:
    return len(escape(text, quote=False).encode())


def letter(report: WeeklyReport, link: str | None) -> tuple[Block, ...]:
    """The letter of a report, top to bottom."""
    return tuple(_blocks(report, link))


def _blocks(report: WeeklyReport, link: str | None) -> Iterator[Block]:
    if report.comparison.problem:
        yield Notice(_degraded(report))
    yield Lead(_title(report), _lead(report))
    if report.variant is Variant.SMALL:
        yield _listed(report)
    elif report.variant is not Variant.QUIET:
        yield from _numbers(report)
    yield from _always(report)
    if link:
        yield Link("Open the dashboard", link)


def _numbers(report: WeeklyReport) -> Iterator[Block]:
    found = report.findings
    compared = "Changes are from the week before." if report.previous else ""
    yield Tiles(_tiles(report), compared)
    if report.actions:
        steps = tuple(Step(each.text, each.evidence) for each in report.actions)
        yield Steps("Three things to do" if len(steps) == 3 else "To do", steps)  # noqa: PLR2004
    if found.gaps:
        yield _gap_table(report)
    if found.groups:
        yield _unanswered(report)
    yield from _language(report)
    yield Bars("When they asked", _days(report), _busiest(report))
    yield Bars(
        "Match scores", _scores(found.histogram), "a skill's gap counts what its answers lack of 80"
    )
    yield Facts("How it went", tuple(_course(report)))


def _language(report: WeeklyReport) -> Iterator[Block]:
    """Asked and offered, their words, their intents: whichever there are."""
    found = report.findings
    if found.offers:
        offers = (
            (f"{cut(o.asked, NAME)} → {cut(o.source, NAME)}", times(o.times))
            for o in found.offers[:ROWS]
        )
        yield Facts("Asked → offered instead", tuple(offers))
    if found.vocabulary:
        words = ((cut(v.skill, NAME), _words(v)) for v in found.vocabulary[:ROWS])
        yield Facts("How they say it", tuple(words))
    if found.intents:
        bars = tuple(
            Bar(cut(i.label, NAME), i.outcomes.questions, f"{i.outcomes.unanswered} unanswered")
            for i in found.intents[:ROWS]
        )
        yield Bars("What they are after", bars)


def _words(spoken: Vocabulary) -> str:
    """The commonest; a day keeps four of a skill, but each day and shard may have others."""
    told = ", ".join(f"{cut(each.word, NAME)} {each.times}" for each in spoken.words[:WORDS])
    rest = len(spoken.words) - WORDS
    return f"{told} and {counted(rest, 'rarer word')}" if rest > 0 else told


def _always(report: WeeklyReport) -> Iterator[Block]:
    if report.effects:
        yield Facts("What you changed", tuple(_effects(report)))
    if report.coverage:
        yield Facts("Nobody asked", (_never_asked(report),))
    yield Facts("Data health", tuple(_health(report)))


def _degraded(report: WeeklyReport) -> str:
    done = report.comparison
    return (
        f"Only {done.compared} of {done.days} days could be checked against the Processor "
        f"({cut(done.problem or '', 120)}). Some questions may be missing below."
    )


def dates(first: date, last: date) -> str:
    """`10–16 Nov`, `27 Oct – 2 Nov`."""
    if first.month == last.month:
        return f"{first.day}–{last.day} {last:%b}"
    return f"{first.day} {first:%b} – {last.day} {last:%b}"


def _title(report: WeeklyReport) -> str:
    return f"CV questions, {dates(report.first, report.last)} {report.last.year} ({report.week})"


def _lead(report: WeeklyReport) -> str:
    found = report.findings
    n = report.totals.questions
    if report.variant is Variant.QUIET:
        return "Nobody asked your CV anything this week. The pipeline is up; this letter proves it."
    if found.unanswered == 0:
        start = f"{counted(n, 'question')}, every one of them answered."
    else:
        start = f"{counted(n, 'question')}, {found.unanswered} left without an answer."
    if report.variant is Variant.SMALL:
        return f"{start} Too few for percentages, so here is each of them."
    if report.variant is Variant.FIRST:
        start += " This is your first report, so there is nothing to compare with yet."
    return start + _leading(report)


def _leading(report: WeeklyReport) -> str:
    if not report.findings.gaps:
        return ""
    gap = report.findings.gaps[0]
    return (
        f" {cut(gap.skill, NAME)} is the widest gap: asked {times(gap.times)}"
        f" in {counted(gap.sessions, 'session')}."
    )


def _tiles(report: WeeklyReport) -> tuple[Tile, ...]:
    found, total = report.findings, report.totals
    changes = {trend.name: trend.text for trend in found.trends} if report.previous else {}
    answered = f"of {total.answered:,} answered{_percent(found.full)}"
    anonymous = counted(found.sessions.anonymous_questions, "question")
    return (
        Tile("Questions", f"{total.questions:,}", _mean(total), changes.get("questions", "")),
        Tile(
            "Sessions",
            ("" if found.sessions.exact else "≈ ") + f"{found.sessions.named:,}",
            f"named; {anonymous} without a session",
            changes.get("sessions", ""),
        ),
        Tile("Answered in full", f"{total.full:,}", answered, changes.get("full", "")),
        Tile(
            "Unanswered",
            f"{found.unanswered:,}",
            f"{total.none:,} no match, {total.no_response:,} no response",
            changes.get("unanswered", ""),
        ),
        Tile(
            "Exits on a miss",
            f"{found.exits_on_miss.part:,}",
            f"of {counted(found.exits_on_miss.whole, 'visit')}{_percent(found.exits_on_miss)}",
            changes.get("exitsOnMiss", ""),
        ),
    )


def _mean(total: Totals) -> str:
    if total.mean_score is None:
        return f"mean score {_unreported(total.answered)}"
    return f"mean score {total.mean_score}; {total.coverage_percent} % at least in part"


def _percent(share: Proportion) -> str:
    if share.percent is None:
        return ""
    return f": {share.percent} % (95 % sure: {share.low}–{share.high} %)"


def _gap_table(report: WeeklyReport) -> GapTable:
    gaps = report.findings.gaps
    rest = len(gaps) - GAPS
    return GapTable(
        title="Skill gaps",
        note="gap = Σ max(0, 80 − score) / 80 of the questions that name the skill",
        rows=tuple(_gap_row(gap, compared=report.previous is not None) for gap in gaps[:GAPS]),
        more=f"and {rest} smaller gaps on the dashboard" if rest > 0 else "",
    )


def _gap_row(gap: Gap, *, compared: bool) -> GapRow:
    asked = f"{times(gap.times)} in {counted(gap.sessions, 'session')}"
    notes = [f"week before: {gap.before} ({gap.change})"] if compared else []
    if gap.offered:
        notes.append(f"offered instead: {cut(gap.offered, NAME)}")
    if gap.reopened:
        notes.append("reopened: missed again after “done”")
    elif gap.status != "open":
        notes.append(f"you decided: {'won’t' if gap.status == 'wont' else gap.status}")
    return GapRow(cut(gap.skill, NAME), f"{gap.gap:.2f}", gap.outcomes, asked, "; ".join(notes))


def outcome_text(outcomes: Outcomes) -> str:
    """`1 full, 3 partial, 1 none`."""
    return ", ".join(f"{n} {word}" for n, word in zip(outcomes, OUTCOME_WORDS, strict=True) if n)


def _unanswered(report: WeeklyReport) -> Quotes:
    groups = report.findings.groups
    shown_count = sum(group.count for group in groups[:GROUPS])
    rest = report.findings.unanswered - shown_count
    return Quotes(
        title="Left without an answer",
        quotes=tuple(_quote(group, report.time_zone) for group in groups[:GROUPS]),
        more=f"and {counted(rest, 'more question')} on the dashboard" if rest > 0 else "",
    )


def _quote(group: Group, time_zone: str) -> Quote:
    sessions = counted(group.sessions, "session") if group.sessions else "no named session"
    note = f"{times(group.count)}, {sessions}, last {when(group.last_asked, time_zone)}"
    lines = tuple(dict.fromkeys(cut(sample.text, QUOTE) for sample in group.samples))
    return Quote(cut(group.label, 72), note, lines[:SAMPLES])


def when(at_ms: int, time_zone: str) -> str:
    """`Thu 13 Nov 11:12`, on the owner's clock."""
    at = local(at_ms, time_zone)
    return f"{WEEKDAYS[at.weekday()]} {at.day} {at:%b %H:%M}"


def _listed(report: WeeklyReport) -> Quotes:
    return Quotes(
        title="What they asked",
        quotes=tuple(_listed_quote(each, report.time_zone) for each in report.findings.listed),
    )


def _listed_quote(sample: Sample, time_zone: str) -> Quote:
    score = "" if sample.score is None else f", score {sample.score}"
    note = f"{OUTCOME_NAMES[sample.outcome]}{score}, {when(sample.asked_at, time_zone)}"
    return Quote(f"“{cut(sample.text, QUOTE)}”", note, ())


def _days(report: WeeklyReport) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            f"{WEEKDAYS[each.day.weekday()]} {each.day.day}",
            each.outcomes.questions,
            f"{each.outcomes.unanswered} unanswered" if each.outcomes.unanswered else "",
        )
        for each in report.findings.days
    )


def _busiest(report: WeeklyReport) -> str:
    at = report.findings.busiest_hour
    if at is None:
        return ""
    hours = f"{at.hour:02d}–{at.hour + 1:02d}"
    return f"busiest hour: {WEEKDAYS[at.weekday]} {hours} ({at.questions}), {report.time_zone}"


def _scores(histogram: tuple[int, ...]) -> tuple[Bar, ...]:
    labels = [f"{n * 10}–{n * 10 + 9}" for n in range(9)] + ["90–100"]
    first = next((place for place, n in enumerate(histogram) if n), 0)
    return tuple(Bar(label, n) for label, n in zip(labels, histogram, strict=True))[first:]


def _course(report: WeeklyReport) -> Iterator[tuple[str, str]]:
    found = report.findings
    yield (
        "Asked again in other words",
        f"{found.rephrased.part} of {counted(found.rephrased.whole, 'question')} not answered in"
        f" full{_percent(found.rephrased)}",
    )
    yield "Exact repeats", str(found.health.exact_repeats)
    yield "Response time", _latency(found.latency)
    attacks = found.prompt_attacks
    yield "Prompt attacks", _attacks(attacks, found.without_attacks)


def _latency(latency: Latency) -> str:
    if not latency.reported:
        return _unreported(latency.answered)
    fresh = latency.reported - latency.cached
    parts = [f"reported for {latency.reported} of {latency.answered}"]
    if latency.p50_ms is not None:
        approx = "" if latency.exact else "≈ "
        parts.insert(
            0, f"{approx}{latency.p50_ms:,} ms median, {latency.p95_ms:,} ms P95 ({fresh} fresh)"
        )
    if latency.cached_p50_ms is not None:
        parts.append(f"{latency.cached} cached: {latency.cached_p50_ms:,} ms median")
    return "; ".join(parts)


def _attacks(attacks: int, without: Totals | None) -> str:
    if without is None:
        return str(attacks)
    return (
        f"{attacks}, counted above; without: {without.questions:,} questions, "
        f"{without.answered:,} answered, mean score {without.mean_score}"
    )


def _effects(report: WeeklyReport) -> Iterator[tuple[str, str]]:
    for each in report.effects[-ROWS:]:
        told = f"{each.day.day} {each.day:%b}: {cut(each.text, 120)}"
        if each.skill is None:
            yield told, ""
        else:
            yield told, f"{cut(each.skill, NAME)} before: {each.before}; after: {each.after}"
    earlier = len(report.effects) - ROWS
    if earlier > 0:
        yield f"and {counted(earlier, 'earlier note')} on the dashboard", ""


def _never_asked(report: WeeklyReport) -> tuple[str, str]:
    coverage = report.coverage
    assert coverage is not None  # noqa: S101 (the caller looked)
    names = coverage.never_asked
    told = ", ".join(cut(name, NAME) for name in names[:NEVER_ASKED])
    more = f" and {len(names) - NEVER_ASKED} more" if len(names) > NEVER_ASKED else ""
    label = f"{len(names)} of your {counted(coverage.listed, 'skill')} in {coverage.days} days"
    return label, (told + more) or "every one was asked about"


def _health(report: WeeklyReport) -> Iterator[tuple[str, str]]:
    health, out = report.findings.health, report.findings.excluded
    yield (
        "Counted",
        f"{health.queries:,} queries, {health.answered:,} answered,"
        f" {health.no_response:,} no response",
    )
    yield (
        "Left out",
        f"{counted(out.tests, 'test')}, {counted(out.bots, 'bot')}, {out.owner} by the owner",
    )
    yield (
        "Corrected later",
        f"{health.corrected}; clocks out of order: {health.clock_skewed}",
    )
    if health.unknown_outcome:
        yield "Outcomes unknown here", f"{health.unknown_outcome:,}, counted as answered"
    # The events tell neither: a repeated one changes nothing, a conflict stays with the Processor.
    yield "Duplicates", _unreported(health.queries)
    yield (
        "Conflicts",
        _unreported(health.queries) if health.conflicts is None else str(health.conflicts),
    )
    yield (
        "In the dead-letter queue",
        "not reported" if health.dead_letters is None else f"{health.dead_letters:,}",
    )
    yield "Checked against the Processor", _compared(report)
    bounced, complained = report.delivery.bounced, report.delivery.complained
    if bounced or complained:
        yield (
            "Mail stopped",
            f"to {bounced} that bounced and {complained} that complained",
        )


def _unreported(n: int) -> str:
    """Of a number that no event of `n` carries."""
    return f"not reported (0 of {n:,})"


def _compared(report: WeeklyReport) -> str:
    done = report.comparison
    if not done.days:
        return "not compared"
    healed = f"{counted(done.healed, 'question')} fetched" if done.healed else "nothing was missing"
    return f"{done.compared} of {done.days} UTC days; {healed}"
