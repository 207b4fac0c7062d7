"""What use cases and adapters hand each other."""

from __future__ import annotations

from typing import NamedTuple

from cv_processor.domain.correlation import Correlation


class Refused(NamedTuple):
    """A conditional write that was not made, and what stands in its place (`None`: nothing)."""

    existing: Correlation | None


class Deadline(NamedTuple):
    """When to give a question up. Times are UTC milliseconds."""

    request_id: str
    asked_at: int
    due: int


class Rejection(NamedTuple):
    """A message that is no chatbot event, and why. `reason` never carries its text."""

    message_id: str
    body: str
    reason: str
    attempt: int = 1


class DayEntry(NamedTuple):
    """A closed correlation as the day index knows it."""

    request_id: str
    order: int
    shard: int
