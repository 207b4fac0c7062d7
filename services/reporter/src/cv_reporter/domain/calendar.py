"""The owner's calendar: local days and ISO weeks of UTC milliseconds, across clock changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MS = 1_000
DAY_MS = 86_400 * MS
DAYS_PER_WEEK = 7
EARLIEST, LATEST = date(1970, 1, 1), date(9998, 12, 31)
"""No question is older. And a day has others around it, which the end of the calendar has not."""

_WEEK = re.compile("[0-9]{4}-W[0-9]{2}")


def countable(day: date) -> date:
    """A day that reports can be about. Raises `ValueError` for any other."""
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"days are counted from {EARLIEST} to {LATEST}")
    return day


class Week(NamedTuple):
    """An ISO week, Monday to Sunday. `str(week)` is `2025-W46`; weeks sort in time."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """Read `2025-W46`. Raises `ValueError` for anything that is not a week of that year."""
        if not _WEEK.fullmatch(text):
            raise ValueError("a week looks like 2025-W46")
        year, number = int(text[:4]), int(text[6:])
        countable(date.fromisocalendar(year, number, 1))
        return cls(year, number)

    @classmethod
    def of(cls, day: date) -> Week:
        """The ISO week of a day."""
        iso = day.isocalendar()
        return cls(iso.year, iso.week)

    @property
    def first(self) -> date:
        """The week's Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """The week's Sunday."""
        return self.first + timedelta(days=DAYS_PER_WEEK - 1)

    def minus(self, weeks: int) -> Week:
        """The week so many weeks before."""
        return Week.of(self.first - timedelta(weeks=weeks))

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, both ends included."""

    first: date
    last: date

    @classmethod
    def of_week(cls, week: Week) -> Period:
        """The seven days of a week."""
        return cls(week.first, week.last)

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of the period, in order."""
        return tuple(
            self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)
        )

    def before(self) -> Period:
        """The period of equal length that ends the day before this one starts."""
        return Period(
            self.first - (self.last - self.first) - timedelta(days=1),
            self.first - timedelta(days=1),
        )

    def halves(self) -> tuple[Period, ...]:
        """The period in two; a single day has none."""
        if self.first == self.last:
            return ()
        middle = self.first + (self.last - self.first) // 2
        return Period(self.first, middle), Period(middle + timedelta(days=1), self.last)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@lru_cache(maxsize=8)
def zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises `zoneinfo.ZoneInfoNotFoundError`."""
    return ZoneInfo(name)


def local(at_ms: int, time_zone: str) -> datetime:
    """UTC milliseconds as wall-clock time in the owner's zone."""
    return datetime.fromtimestamp(at_ms / MS, zone(time_zone))


def local_day(at_ms: int, time_zone: str) -> date:
    """The owner's calendar day of that instant."""
    return local(at_ms, time_zone).date()


def day_start_ms(day: date, time_zone: str) -> int:
    """The first instant of the owner's day: 23, 24 or 25 hours before the next one's."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone(time_zone))
    return int(midnight.timestamp() * MS)


def utc_day(at_ms: int) -> date:
    """The UTC day of that instant."""
    return datetime.fromtimestamp(at_ms / MS, UTC).date()


def last_complete_week(now_ms: int, time_zone: str) -> Week:
    """The newest ISO week that is over in the owner's zone."""
    return Week.of(local_day(now_ms, time_zone)).minus(1)


def oldest_whole_day(now_ms: int, retention_days: int, time_zone: str) -> date:
    """The first of the owner's days of which no question is past the retention."""
    return local_day(now_ms - retention_days * DAY_MS, time_zone) + timedelta(days=1)


def utc_days(period: Period, time_zone: str) -> list[date]:
    """The UTC days that local days overlap."""
    start = day_start_ms(period.first, time_zone)
    end = day_start_ms(period.last + timedelta(days=1), time_zone) - 1
    return list(Period(utc_day(start), utc_day(end)).days)


def local_days(day: date, time_zone: str) -> list[date]:
    """The local days that a UTC day overlaps."""
    start = day_start_ms(day, "UTC")
    end = day_start_ms(day + timedelta(days=1), "UTC") - 1
    return list(Period(local_day(start, time_zone), local_day(end, time_zone)).days)
