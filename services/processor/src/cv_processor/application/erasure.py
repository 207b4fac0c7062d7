"""Erasure: a session's text and identifiers are forgotten; an anonymous count is left.

A tombstone is laid first, so that halves still on their way are dropped. Ingest keeps its list of
tombstones for a short while; so a second pass, after that while, takes what slipped in meanwhile
and only then tells the others. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from cv_processor.domain.erasure import Receipt

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor:erasure")
LAST_PASS = 2


@dataclass(frozen=True, slots=True)
class EraseCommand:
    """A session's erasure is due; `number` counts the passes from 1."""

    erasure_id: str
    number: int = 1


class ErasureStore(Protocol):
    """Receipts, tombstones, and what a session left in the table."""

    def request(self, erasure_id: str, session_id: str, at: int) -> bool:
        """Lay down a receipt; False if there is one already."""
        ...

    def receipt(self, erasure_id: str) -> Receipt | None:
        """A receipt as others see it."""
        ...

    def pending_session(self, erasure_id: str) -> str | None:
        """The session of an erasure that is not done here; `None` if it is, or is unknown."""
        ...

    def entomb(self, session_id: str) -> None:
        """From now on halves of this session are dropped."""
        ...

    def requests_of(self, session_id: str) -> Iterable[str]:
        """The ids of the questions that the table still has of a session."""
        ...

    def erase(self, session_id: str, request_id: str) -> None:
        """Count a question as erased, by its mark, and remove what the session has in it."""
        ...

    def conclude(self, erasure_id: str, session_id: str, at: int) -> None:
        """Note how many were erased; the change of the receipt tells the others."""
        ...

    def count(self, erasure_id: str, service: str, removed: int) -> None:
        """Note another service's count, and forget the session's id in the receipt."""
        ...


class ErasureQueue(Protocol):
    """Where erasures wait for their passes."""

    def send(self, command: EraseCommand, *, delay_seconds: int = 0) -> None:
        """Send a command. Raises `UnavailableError`."""
        ...


def erasure_id_of(session_id: str) -> str:
    """The id of a session's erasure: asking twice is asking once."""
    return str(uuid5(_NAMESPACE, session_id))


def request_erasure(store: ErasureStore, queue: ErasureQueue, session_id: str, now: int) -> str:
    """Take an erasure on; returns its id. Repeating it also mends one that got stuck."""
    erasure_id = erasure_id_of(session_id)
    store.request(erasure_id, session_id, now)
    if store.pending_session(erasure_id) is not None:
        queue.send(EraseCommand(erasure_id))
    return erasure_id


def erase(
    store: ErasureStore, queue: ErasureQueue, command: EraseCommand, *, now: int, settle: int
) -> int:
    """One pass; returns how many questions it removed. `settle` is in seconds."""
    session_id = store.pending_session(command.erasure_id)
    if session_id is None:
        return 0
    store.entomb(session_id)
    removed = 0
    for request_id in store.requests_of(session_id):
        store.erase(session_id, request_id)
        removed += 1
    if command.number < LAST_PASS:
        following = EraseCommand(command.erasure_id, command.number + 1)
        queue.send(following, delay_seconds=2 * settle)
    else:
        store.conclude(command.erasure_id, session_id, now)
    return removed


def note_count(store: ErasureStore, erasure_id: str, service: str, removed: int) -> None:
    """Another service is done with an erasure."""
    store.count(erasure_id, service, removed)
