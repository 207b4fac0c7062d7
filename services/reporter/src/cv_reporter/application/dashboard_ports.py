"""What the dashboard needs beyond the other use cases' ports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Fact, FactKey
from cv_reporter.domain.summary import Summary


class FactReader(Protocol):
    """Single facts by their keys."""

    def at(self, keys: Iterable[FactKey]) -> list[Fact]:
        """Those of the facts that exist, oldest first."""
        ...


class SummaryReader(Protocol):
    """Day summaries, to be read often."""

    def between(self, first: date, last: date) -> dict[Partition, Summary]:
        """The summaries of all shards of these days."""
        ...

    def first_day(self) -> date | None:
        """The earliest day that has a summary."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """A link for others. Times are UTC seconds. A revoked one is forgotten."""

    id: str
    label: str
    created_s: int
    expires_s: int


class ShareStore(Protocol):
    """The share links that are good."""

    def put(self, share: Share) -> None:
        """Keep a share."""
        ...

    def get(self, share_id: str) -> Share | None:
        """A share that was not revoked."""
        ...

    def all(self) -> list[Share]:
        """Every share, oldest first."""
        ...

    def revoke(self, share_id: str) -> None:
        """Remove a share: its link is invalid from then on."""
        ...


class EndedSessions(Protocol):
    """The sign-ins that their owner ended before they expired."""

    def end(self, session_id: str, expires_s: int) -> None:
        """End a sign-in; forgotten once it would have expired."""
        ...

    def has(self, session_id: str) -> bool:
        """Whether a sign-in was ended."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an erasure: how much each service removed, as far as it has told."""

    erasure_id: str
    requested_at: int
    removed: tuple[tuple[str, int], ...]


class Erasures(Protocol):
    """Asks the owner of the questions, the Processor, to forget a session or a question."""

    def request(self, session_id: str) -> Receipt:
        """Have a session erased. Raises `ProcessorError`; then nothing was erased."""
        ...

    def request_question(self, request_id: str) -> Receipt:
        """Have a question erased. Raises `ProcessorError`; then nothing was erased."""
        ...

    def receipt(self, erasure_id: str) -> Receipt | None:
        """The receipt as it stands, if there is one. Raises `ProcessorError`."""
        ...
