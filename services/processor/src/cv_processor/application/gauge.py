"""Gauges: what waits in the table for something that may never come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cv_processor.domain.correlation import Correlation

SLACK_MS = 120_000
"""How late a deadline's message may be before its question counts as forgotten."""


@dataclass(slots=True)
class Gauges:
    """Counts of one look at the table."""

    open_past_deadline: int = 0
    open_in_time: int = 0
    orphan_responses: int = 0


def is_overdue(correlation: Correlation, *, now: int, grace_ms: int) -> bool:
    """Whether a question is open although its grace period ended."""
    asked = correlation.query
    return asked is not None and not correlation.closed and asked.at + grace_ms + SLACK_MS < now


def gauge(unclosed: Iterable[Correlation], *, now: int, grace_ms: int) -> Gauges:
    """Count what is not closed. `now` is in milliseconds."""
    gauges = Gauges()
    for correlation in unclosed:
        if correlation.query is None:
            gauges.orphan_responses += 1
        elif is_overdue(correlation, now=now, grace_ms=grace_ms):
            gauges.open_past_deadline += 1
        else:
            gauges.open_in_time += 1
    return gauges
