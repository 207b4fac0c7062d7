"""Whether last week's report was sent, as every night asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from cv_reporter.application.ports import Comparisons, Sending, Suppressions
from cv_reporter.domain.calendar import day_start_ms, last_complete_week

DAY_MS = 86_400_000
UNSUBSCRIBED = "unsubscribed"


class SentMail(Protocol):
    """Who got which week's mail."""

    def lines(self, week: str) -> list[Sending]:
        """The lines of the whole week's mail."""
        ...


def wants_mail(recipients: Sequence[str], suppressions: Suppressions) -> bool:
    """Whether anybody should get the report: a bounce does not end that, the reader's wish does."""
    stopped = suppressions.all()
    return any(at not in stopped or stopped[at].reason != UNSUBSCRIBED for at in recipients)


def is_overdue(ledger: SentMail, comparisons: Comparisons, now_ms: int, time_zone: str) -> bool:
    """Whether nobody was sent the report that was due yesterday or before.

    A week without a report does not count if this service was not there yet when it ended: then no
    day was compared before.
    """
    week = last_complete_week(now_ms - DAY_MS, time_zone)
    ended = day_start_ms(week.last + timedelta(days=1), time_zone)
    last = comparisons.last()
    was_there = last is not None and any(day.at < ended for day in last.days.values())
    return was_there and not any(line.state == "SENT" for line in ledger.lines(str(week)))
