"""What the use cases need of the outside world; the adapters and the tests' fakes implement it.

Types only: import it under `TYPE_CHECKING`, so that no cold start pays for these classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from cv_contracts.chatbot import QueryEvent, ResponseEvent

from cv_processor.application.values import DayEntry, Deadline, Refused, Rejection
from cv_processor.domain.correlation import Correlation, Half, Response


class CorrelationWriter(Protocol):
    """The conditional writes of correlations. Each returns `None` when it was made."""

    def insert(self, correlation: Correlation) -> Refused | None:
        """Write a correlation of which nothing was known."""
        ...

    def answer(self, request_id: str, response: Response) -> Refused | None:
        """Close a correlation of which exactly the query is known: the usual order, unread."""
        ...

    def replace(self, correlation: Correlation, *, seen: Correlation) -> Refused | None:
        """Write a correlation over the state that was seen."""
        ...

    def park(self, request_id: str, half: Half) -> None:
        """Keep a half that lost a conflict. Repeating it changes nothing."""
        ...


class DeadlineStore(Protocol):
    """What closing overdue correlations needs."""

    def get_many(self, request_ids: Collection[str]) -> Mapping[str, Correlation]:
        """The correlations of those ids that exist, as of now."""
        ...

    def give_up(self, correlation: Correlation, *, seen: Correlation) -> Refused | None:
        """Close a correlation as unanswered, over the state that was seen."""
        ...


class ErasedSessions(Protocol):
    """Which sessions and questions were erased: halves of theirs are not taken in again."""

    def covers(self, request_id: str, session_id: str | None) -> bool:
        """Whether a half of this question, or of this session, has to be dropped."""
        ...


class DeadlineQueue(Protocol):
    """Where deadlines wait for their grace period."""

    def schedule(self, deadlines: Sequence[Deadline]) -> Collection[str]:
        """Send them; returns the ids of the questions whose deadline could not be sent."""
        ...


class RejectionQueue(Protocol):
    """Where messages go that can never be processed."""

    def reject(self, rejections: Sequence[Rejection]) -> Collection[str]:
        """Send them; returns the message ids that could not be sent."""
        ...


class EventBus(Protocol):
    """The Processor's own bus."""

    def publish(self, entries: Sequence[Mapping[str, str]]) -> Mapping[int, str]:
        """Put entries on the bus; returns the error code of each that was refused, by its index."""
        ...


class IngestQueue(Protocol):
    """The one way in."""

    def enqueue(self, events: Sequence[QueryEvent | ResponseEvent]) -> Collection[int]:
        """Queue events; returns the indexes of those that the queue will never take.

        Raises `UnavailableError` if it did not take all others; they may all be sent again.
        """
        ...


class CorrelationReader(Protocol):
    """How the API reads."""

    def get(self, request_id: str) -> Correlation | None:
        """One correlation, as of now."""
        ...

    def get_many(self, request_ids: Collection[str]) -> Mapping[str, Correlation]:
        """The correlations of those ids that exist, as of now."""
        ...

    def conflicts(self, request_id: str) -> Sequence[Half]:
        """The halves of a question that lost a conflict."""
        ...

    def day(self, day: date, shard: int) -> Iterable[DayEntry]:
        """All entries of a day's shard, oldest first."""
        ...

    def day_page(
        self, day: date, shard: int, *, after: tuple[int, str] | None, limit: int
    ) -> Sequence[DayEntry]:
        """Up to `limit` entries of a day's shard that follow `after` (order, request id).

        They are in the order of `DayEntry`; `after` may be of another shard.
        """
        ...

    def session_page(
        self, session_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> Sequence[DayEntry]:
        """Up to `limit` correlations of a session that follow `after` (order, request id)."""
        ...
