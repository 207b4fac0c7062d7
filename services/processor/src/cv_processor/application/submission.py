"""Submission: documents from outside become events in the ingest queue, or are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cv_contracts.chatbot import QueryEvent, ResponseEvent, parse_json, read_chatbot_event
from cv_contracts.errors import NotJsonError, reasons
from cv_contracts.rest import AcceptedEvent, RejectedEvent, Submission
from pydantic import ValidationError

if TYPE_CHECKING:
    from cv_processor.application.ports import IngestQueue


MAX_EVENTS = 100
MAX_REASONS = 5
NOT_QUEUED = "the queue cannot carry it"


class NotASubmissionError(ValueError):
    """A body that is no event and no list of events; the message says why, without the body."""


def read_documents(body: bytes) -> Sequence[Any]:
    """The documents of a body: one object, a list, or `{"events": [...]}`. Each may be anything.

    Raises `NotASubmissionError`.
    """
    try:
        document = parse_json(body)  # one odd value must not refuse the whole batch
    except NotJsonError:
        raise NotASubmissionError("the body is not JSON") from None
    if isinstance(document, dict) and "events" in document and "eventType" not in document:
        document = document["events"]
    documents = [document] if isinstance(document, dict) else document
    if not isinstance(documents, list):
        raise NotASubmissionError("the body must be an event, or a list of events")
    if not 1 <= len(documents) <= MAX_EVENTS:
        raise NotASubmissionError(f"send 1 to {MAX_EVENTS} events at a time")
    return documents


def submit(queue: IngestQueue, documents: Sequence[Any]) -> Submission:
    """Queue what is a chatbot event; say of everything else why it is not.

    Raises `UnavailableError` if an event is not queued that could be later: then all are sent
    again, for what is rejected is not to be.
    """
    events: dict[int, QueryEvent | ResponseEvent] = {}
    rejected: list[RejectedEvent] = []
    for index, document in enumerate(documents):
        try:
            events[index] = read_chatbot_event(document)
        except ValidationError as error:
            reason = "; ".join(reasons(error)[:MAX_REASONS])
            rejected.append(RejectedEvent(index=index, reason=reason))
    indexes = list(events)
    refused = (
        {indexes[place] for place in queue.enqueue(list(events.values()))} if events else set()
    )
    rejected += [RejectedEvent(index=index, reason=NOT_QUEUED) for index in sorted(refused)]
    return Submission(
        accepted=tuple(
            AcceptedEvent(index=index, request_id=event.request_id)
            for index, event in events.items()
            if index not in refused
        ),
        rejected=tuple(rejected),
    )
