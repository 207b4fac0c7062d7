"""What use cases and adapters hand each other."""

from __future__ import annotations

from typing import NamedTuple

from cv_processor.domain.correlation import Correlation, Query


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
    """A closed correlation as the day index knows it; entries sort as lists show them."""

    order: int
    request_id: str


class PlacedQuestion(NamedTuple):
    """A stored question, and where it stands or will stand in the day index.

    `query` is `None` if this version cannot read it. `version` guards the item when written.
    """

    request_id: str
    asked_day: str
    closed: bool
    version: int
    query: Query | None


class Move(NamedTuple):
    """Where a question has to stand."""

    question: PlacedQuestion
    asked_day: str
