"""Whether questions still arrive, judged by the questions alone, whoever asked them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from cv_reporter.domain.summary import Summary

RHYTHM_DAYS = 28
LEAST_PAUSE = 2
SILENT_FACTOR = 2


class Pulse(StrEnum):
    """How the pause since the last question compares with the usual pauses."""

    NEVER = "never"
    FRESH = "fresh"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Freshness:
    """`pause` days since the last question (UTC ms), and the longest pause that is usual.

    `days` had questions: with fewer than three there is no rhythm to judge by.
    """

    pulse: Pulse
    last_asked: int = 0
    pause: int = 0
    usual: int = 0
    days: int = 0


def freshness(days: Mapping[date, Summary], today: date) -> Freshness:
    """How fresh the data is, from the summaries of the last four weeks.

    A CV may be asked once a week, so lateness is measured by its own rhythm: late after more than
    the longest pause between two days with questions (at least two days), silent after twice that.
    """
    asked = {day: summary.last_event for day, summary in days.items() if summary.last_event}
    if not asked:
        return Freshness(Pulse.NEVER)
    known = sorted(asked)
    pause = max(0, (today - known[-1]).days)
    usual = max([LEAST_PAUSE, *((later - day).days for day, later in pairwise(known))])
    return Freshness(_pulse(pause, usual), asked[known[-1]], pause, usual, len(known))


def _pulse(pause: int, usual: int) -> Pulse:
    if pause <= usual:
        return Pulse.FRESH
    return Pulse.LATE if pause <= usual * SILENT_FACTOR else Pulse.SILENT
