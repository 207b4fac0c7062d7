"""Erasure: the text and identifiers of a session, or of one question, are forgotten.

An anonymous count is left.

A tombstone is laid first, so that halves still on their way are dropped. Ingest keeps its list of
tombstones for a short while; so a second pass, after that while, takes what slipped in meanwhile
and only then tells the others. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from cv_processor.domain.erasure import Receipt, Session, Subject

_SESSIONS = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor:erasure")
_QUESTIONS = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor:erasure-of-question")
LAST_PASS = 2


@dataclass(frozen=True, slots=True)
class EraseCommand:
    """An erasure is due; `number` counts the passes from 1."""

    erasure_id: str
    number: int = 1


class ErasureStore(Protocol):
    """Receipts, tombstones, and what a session or a question left in the table."""

    def request(self, erasure_id: str, subject: Subject, at: int) -> bool:
        """Lay down a receipt; False if there is one already."""
        ...

    def receipt(self, erasure_id: str) -> Receipt | None:
        """A receipt as others see it."""
        ...

    def pending(self, erasure_id: str) -> Subject | None:
        """What an erasure is of that is not done here; `None` if it is done, or is unknown."""
        ...

    def entomb(self, subject: Subject) -> None:
        """From now on halves of this subject are dropped."""
        ...

    def requests_of(self, subject: Subject) -> Iterable[str]:
        """The ids of the questions that the table still has of a subject."""
        ...

    def erase(self, erasure_id: str, subject: Subject, request_id: str) -> None:
        """Count a question as erased, by its mark, and remove what the subject has in it."""
        ...

    def conclude(self, erasure_id: str, subject: Subject, at: int) -> None:
        """Note how many were erased; the change of the receipt tells the others."""
        ...

    def count(self, erasure_id: str, service: str, removed: int) -> None:
        """Note another service's count, and forget in the receipt what was erased."""
        ...


class ErasureQueue(Protocol):
    """Where erasures wait for their passes."""

    def send(self, command: EraseCommand, *, delay_seconds: int = 0) -> None:
        """Send a command. Raises `UnavailableError`."""
        ...


def erasure_id_of(subject: Subject) -> str:
    """The id of a subject's erasure: asking twice is asking once."""
    return str(uuid5(_SESSIONS if isinstance(subject, Session) else _QUESTIONS, subject.id))


def request_erasure(store: ErasureStore, queue: ErasureQueue, subject: Subject, now: int) -> str:
    """Take an erasure on; returns its id. Repeating it also mends one that got stuck."""
    erasure_id = erasure_id_of(subject)
    store.request(erasure_id, subject, now)
    if store.pending(erasure_id) is not None:
        queue.send(EraseCommand(erasure_id))
    return erasure_id


def erase(
    store: ErasureStore, queue: ErasureQueue, command: EraseCommand, *, now: int, settle: int
) -> int:
    """One pass; returns how many questions it removed. `settle` is in seconds."""
    subject = store.pending(command.erasure_id)
    if subject is None:
        return 0
    store.entomb(subject)
    removed = 0
    for request_id in store.requests_of(subject):
        store.erase(command.erasure_id, subject, request_id)
        removed += 1
    if command.number < LAST_PASS:
        following = EraseCommand(command.erasure_id, command.number + 1)
        queue.send(following, delay_seconds=2 * settle)
    else:
        store.conclude(command.erasure_id, subject, now)
    return removed


def note_count(store: ErasureStore, erasure_id: str, service: str, removed: int) -> None:
    """Another service is done with an erasure."""
    store.count(erasure_id, service, removed)
