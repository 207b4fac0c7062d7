"""A report is overdue the day after it should have been sent, and not before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from cv_reporter.application.overdue import is_overdue, wants_mail
from cv_reporter.application.ports import ComparedDay, LastComparison, Sending, Stop
from cv_reporter.domain.report import Comparison

LONDON = "Europe/London"
WEEK = "2025-W46"  # 10 to 16 November


@dataclass
class Mails:
    """A ledger of one week."""

    states: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def lines(self, week: str) -> list[Sending]:
        self.asked.append(week)
        return [Sending(week, "owner@cv.example", state, since=0) for state in self.states]


@dataclass
class Nights:
    """One day that was compared at a time, or none."""

    at: int | None

    def put(self, compared: LastComparison) -> None:
        raise AssertionError("asking keeps nothing")

    def last(self) -> LastComparison | None:
        if self.at is None:
            return None
        return LastComparison(Comparison(), self.at, {date(2025, 11, 7): ComparedDay(self.at, 0)})


def ms(day: int, hour: int = 6, minute: int = 30) -> int:
    return int(datetime(2025, 11, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("now", "states", "overdue"),
    [
        (ms(18), [], True),
        (ms(18), ["SENT"], False),
        (ms(18), ["SENDING", "SENT"], False),
        (ms(18), ["SENDING"], True),
        (ms(18), ["REFUSED"], True),
        (ms(23), [], True),
    ],
)
def test_on_tuesday_and_later_the_week_before_must_be_sent(
    now: int, states: list[str], overdue: bool
) -> None:
    mails = Mails(states)
    assert is_overdue(mails, Nights(ms(16)), now, LONDON) is overdue
    assert mails.asked == [WEEK]


def test_on_monday_before_the_report_the_week_before_that_counts() -> None:
    mails = Mails(["SENT"])
    assert not is_overdue(mails, Nights(ms(9)), ms(17), LONDON)
    assert mails.asked == ["2025-W45"]


@pytest.mark.parametrize("first_night", [None, ms(17), ms(18)])
def test_a_week_that_ended_before_the_service_was_there_is_not_overdue(
    first_night: int | None,
) -> None:
    assert not is_overdue(Mails(), Nights(first_night), ms(18), LONDON)


class Stopped:
    """Addresses that get no mail."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self.reasons = reasons

    def add(self, address: str, reason: str, now_ms: int) -> None:
        raise AssertionError("asking stops nothing")

    def remove(self, address: str) -> bool:
        raise AssertionError("asking resumes nothing")

    def all(self) -> dict[str, Stop]:
        return {address: Stop(reason, 0) for address, reason in self.reasons.items()}


@pytest.mark.parametrize(
    ("recipients", "stopped", "wanted"),
    [
        ((), {}, False),
        (("a@cv.example",), {}, True),
        (("a@cv.example",), {"a@cv.example": "bounce"}, True),
        (("a@cv.example",), {"a@cv.example": "complaint"}, True),
        (("a@cv.example",), {"a@cv.example": "unsubscribed"}, False),
        (("a@cv.example", "b@cv.example"), {"a@cv.example": "unsubscribed"}, True),
    ],
)
def test_a_report_is_missed_until_its_readers_asked_for_no_more_mail(
    recipients: tuple[str, ...], stopped: dict[str, str], wanted: bool
) -> None:
    assert wants_mail(recipients, Stopped(stopped)) is wanted
