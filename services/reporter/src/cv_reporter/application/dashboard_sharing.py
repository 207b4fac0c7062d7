"""What a share link shows: finished weeks of at least fifteen sessions, coarsely, and no words.

Whoever has a link can look again later, compare, subtract, and ask questions of their own. So:

- Only one period is shown: whole weeks that are over, as many as it takes to have fifteen sessions.
  Such stretches never overlap, so that none can be subtracted from another, and nothing that is
  asked today changes what is shown today.
- Every count of sessions is rounded down to a multiple of three, and a row needs three sessions:
  the difference of two of them fits to none and to several visitors alike.
- Rows have no outcomes and no scores: with two sessions of one's own, nothing is learnt of a third
  but that there was one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.numbers import rounded
from cv_reporter.domain.summary import Summary

ENOUGH = 15
"""A stretch of weeks ends once it has so many sessions."""
GRAIN = 3
QUARTER_WEEKS = 13
QUARTERS = 4
SHARE_DAYS = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class SharedRow:
    """A skill, and in how many sessions it was asked for at least."""

    skill: str
    sessions: int


@dataclass(frozen=True, slots=True)
class SharedBoard:
    """A stretch of weeks as others may see it; `full_percent` is rounded to tens."""

    period: Period
    sessions: int
    full_percent: int | None
    skills: tuple[SharedRow, ...]


def shared(summary_of: Callable[[Period], Summary], today: date) -> SharedBoard | None:
    """The newest finished stretch of this quarter, else of the one before; `None` without any."""
    last = Week.of(today).minus(1)
    for quarter in (weeks_of_quarter(last), weeks_of_quarter(_first_of_quarter(last).minus(1))):
        if period := newest_stretch([week for week in quarter if week <= last], summary_of):
            return board(summary_of(period), period)
    return None


def newest_stretch(weeks: Iterable[Week], summary_of: Callable[[Period], Summary]) -> Period | None:
    """The last of the stretches into which weeks fall from the first one on."""
    newest: Period | None = None
    start: Week | None = None
    for week in weeks:
        start = start or week
        stretch = Period(start.first, week.last)
        if summary_of(stretch).visitors.sessions.count >= ENOUGH:
            newest, start = stretch, None
    return newest


def weeks_of_quarter(week: Week) -> Sequence[Week]:
    """The thirteen weeks around a week, by the calendar; fourteen at the end of a long year."""
    first = _first_of_quarter(week)
    weeks = [Week.of(first.first).minus(-n) for n in range(QUARTER_WEEKS + 1)]
    return [each for each in weeks if _first_of_quarter(each) == first]


def _first_of_quarter(week: Week) -> Week:
    quarter = min((week.number - 1) // QUARTER_WEEKS, QUARTERS - 1)
    return Week(week.year, quarter * QUARTER_WEEKS + 1)


def board(summary: Summary, period: Period) -> SharedBoard:
    """What may be seen of a stretch."""
    tally = summary.visitors
    rows = (
        SharedRow(name, coarse(skill.sessions.count))
        for name, skill in tally.skills.items()
        if not skill.umbrella and skill.sessions.count >= GRAIN
    )
    answered = tally.outcomes.answered
    tens = int(rounded(10 * tally.outcomes.full, answered, 0)) * 10 if answered else None
    return SharedBoard(
        period=period,
        sessions=coarse(tally.sessions.count),
        full_percent=tens,
        skills=tuple(sorted(rows, key=lambda row: (-row.sessions, row.skill))),
    )


def coarse(sessions: int) -> int:
    """A count that one or two sessions rarely change."""
    return sessions // GRAIN * GRAIN
