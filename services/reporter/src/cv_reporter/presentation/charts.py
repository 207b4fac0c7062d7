"""The geometry of the charts, as numbers: templates draw them, the style sheet colours them.

A chart is stretched over its box (`preserveAspectRatio="none"`), so that it fits any width; its
text stands beside it as HTML and keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.findings import DayCount
from cv_reporter.domain.tally import Outcomes

HEIGHT = 100
COLUMN = 10
WEEK = 7
LABELS = 4
SHADES = 4
PARTS = ("full", "partial", "none", "silent", "other")
"""The class of each outcome, in the order of `Outcomes`."""

PART_NAMES = ("in full", "in part", "no match", "no response", "other")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: where it starts and how long it is, along the bar."""

    part: str
    start: float
    length: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day of the chart; `pins` are the numbers of the notes of that day."""

    day: date
    outcomes: Outcomes
    before: int
    x: int
    label: str
    pins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DayChart:
    """Days by outcome, with the period before as a line (`points`, empty if it had nothing).

    `areas` has an SVG path for each outcome: one rectangle a day, and one element for all days.
    """

    columns: tuple[Column, ...]
    areas: dict[str, str]
    width: int
    top: int
    points: str


def day_chart(
    days: Sequence[DayCount], before: Sequence[Outcomes], notes: Sequence[Annotation]
) -> DayChart:
    """The chart of a period's days; its scale ends at a round number."""
    counts = [day_count.questions for day_count in before]
    top = rounded_up(max([1, *counts, *(day_count.outcomes.questions for day_count in days)]))
    columns = tuple(
        Column(
            day=day_count.day,
            outcomes=day_count.outcomes,
            before=counts[place],
            x=place * COLUMN,
            label=_label(day_count.day, place, len(days)),
            pins=tuple(n for n, note in enumerate(notes, 1) if note.day == day_count.day),
        )
        for place, day_count in enumerate(days)
    )
    areas = _areas((day_count.outcomes for day_count in days), top)
    return DayChart(columns, areas, len(days) * COLUMN, top, _line(counts, top))


def _areas(days: Iterable[Outcomes], top: int) -> dict[str, str]:
    paths = dict.fromkeys(PARTS, "")
    for place, outcomes in enumerate(days):
        for piece in stacked(outcomes, top):
            left, width = place * COLUMN + 1, COLUMN - 2
            rectangle = f"M{left} {piece.start:g}h{width}v{piece.length:g}h-{width}z"
            paths[piece.part] += rectangle
    return {part: path for part, path in paths.items() if path}


def stacked(outcomes: Outcomes, top: int) -> tuple[Segment, ...]:
    """A column's pieces from the ground up; `start` is measured from above, as SVG does."""
    pieces: list[Segment] = []
    ground = float(HEIGHT)
    for part, n in zip(PARTS, outcomes.counts, strict=True):
        if n:
            length = round(n * HEIGHT / top, 2)
            ground = round(ground - length, 2)
            pieces.append(Segment(part, ground, length))
    return tuple(pieces)


def split(outcomes: Outcomes) -> tuple[Segment, ...]:
    """A lying bar's pieces, in questions from the left."""
    pieces: list[Segment] = []
    start = 0
    for part, n in zip(PARTS, outcomes.counts, strict=True):
        if n:
            pieces.append(Segment(part, start, n))
            start += n
    return tuple(pieces)


def _line(counts: Sequence[int], top: int) -> str:
    if not any(counts):
        return ""
    return " ".join(
        f"{place * COLUMN + COLUMN // 2},{round(HEIGHT - n * HEIGHT / top, 2):g}"
        for place, n in enumerate(counts)
    )


def _label(day: date, place: int, days: int) -> str:
    """Every day of a week has a label, else four days of the period."""
    if days <= WEEK:
        return f"{day:%a} {day.day}"
    step = -(-days // LABELS)
    return f"{day.day} {day:%b}" if place % step == 0 and place <= days - step else ""


def rounded_up(n: int) -> int:
    """The next number that is easy to read on a scale: 1, 2, 5, 10, 20, …; never below 4."""
    scale = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if step * scale >= max(n, 4):
                return step * scale
        scale *= 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers with a score from `low` to `high`; `length` of 100."""

    low: int
    high: int
    n: int
    length: float


def histogram(counts: Sequence[int]) -> tuple[Bin, ...]:
    """Answers by score in tens; 100 belongs to the last."""
    most = max([1, *counts])
    last = len(counts) - 1
    return tuple(
        Bin(place * 10, 100 if place == last else place * 10 + 9, n, round(n * HEIGHT / most, 1))
        for place, n in enumerate(counts)
    )


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day over the week: the count and the shade (0–4) of each weekday."""

    hour: int
    cells: tuple[tuple[int, int], ...]


def hours_asked(by_weekday: Sequence[Sequence[int]]) -> tuple[Hour, ...]:
    """Hours as rows, from the first to the last that had a question."""
    most = max([1, *(n for hours in by_weekday for n in hours)])
    rows = [
        Hour(hour, tuple((day[hour], -(-day[hour] * SHADES // most)) for day in by_weekday))
        for hour in range(24)
    ]
    used = [row.hour for row in rows if any(n for n, _ in row.cells)]
    return tuple(rows[used[0] : used[-1] + 1]) if used else ()
