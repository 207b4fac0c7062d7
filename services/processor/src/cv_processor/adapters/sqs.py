"""The queues: deadlines, rejected messages, and the one way in."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from cv_contracts.chatbot import QueryEvent, ResponseEvent

from cv_processor.adapters.aws import translated
from cv_processor.application.errors import ThrottledError, UnavailableError
from cv_processor.application.values import Deadline, Rejection
from cv_processor.application.wire.content import deduplication_id

if TYPE_CHECKING:  # its contracts' models are built for `erase` and `api` alone
    from cv_processor.application.erasure import EraseCommand

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 250_000
MAX_DELAY_SECONDS = 900
MAX_REASON = 500
REASON, ATTEMPT = "reason", "attempt"
"""Attributes of a rejected message; `attempt` counts its deliveries by hand, from 1."""
# The two characters that JSON may carry as they are and SQS refuses; escaped it takes them.
_REFUSED_BY_SQS = str.maketrans({"\ufffe": r"\ufffe", "\uffff": r"\uffff"})
THROTTLING = {"RequestThrottled", "ThrottlingException", "Throttling", "OverLimit", "KmsThrottled"}


@dataclass(frozen=True, slots=True)
class SqsDeadlines:
    """Deadlines as messages that the queue hands out after the grace period."""

    sqs: Any
    queue_url: str

    def schedule(self, deadlines: Sequence[Deadline]) -> Collection[str]:
        """Send them; returns the ids of the questions whose deadline could not be sent."""
        bodies = [_deadline(item) for item in deadlines]
        refused = _send(self.sqs, self.queue_url, bodies)
        return [deadlines[index].request_id for index in refused]


@dataclass(frozen=True, slots=True)
class SqsRejections:
    """The ingest DLQ, for messages that no redelivery would mend."""

    sqs: Any
    queue_url: str

    def reject(self, rejections: Sequence[Rejection]) -> Collection[str]:
        """Send them; returns the message ids that could not be sent."""
        refused = _send(self.sqs, self.queue_url, [_rejection(item) for item in rejections])
        return [rejections[index].message_id for index in refused]


@dataclass(frozen=True, slots=True)
class SqsErasures:
    """Erasures as messages, one pass each."""

    sqs: Any
    queue_url: str

    def send(self, command: EraseCommand, *, delay_seconds: int = 0) -> None:
        """Send a command. Raises `UnavailableError`."""
        body = {"erasureId": command.erasure_id, "pass": command.number}
        with translated():
            self.sqs.send_message(
                QueueUrl=self.queue_url,
                MessageBody=json.dumps(body),
                DelaySeconds=min(delay_seconds, MAX_DELAY_SECONDS),
            )


@dataclass(frozen=True, slots=True)
class SqsIngest:
    """The ingest FIFO: one message group per question, deduplicated by content."""

    sqs: Any
    queue_url: str

    def enqueue(self, events: Sequence[QueryEvent | ResponseEvent]) -> Collection[int]:
        """Queue events; returns the indexes of those that the queue will never take.

        Raises `UnavailableError` if it did not take all others, `ThrottledError` if that was for
        its load. Those that it took may be sent again with them: the queue knows their content.
        """
        refused = _send(self.sqs, self.queue_url, [_event(event) for event in events])
        passing = {each.code for each in refused.values() if not each.lasting}
        if not passing:
            return list(refused)
        if passing <= THROTTLING:
            raise ThrottledError("Throttled")
        raise UnavailableError(min(passing))


def _deadline(deadline: Deadline) -> dict[str, Any]:
    body = {
        "requestId": deadline.request_id,
        "askedAt": deadline.asked_at,
        "due": deadline.due,
    }
    grace_seconds = -(-(deadline.due - deadline.asked_at) // 1_000)
    return {"MessageBody": json.dumps(body), "DelaySeconds": min(grace_seconds, MAX_DELAY_SECONDS)}


def _rejection(rejection: Rejection) -> dict[str, Any]:
    """A group of its own for each body: a FIFO queue hands out no more of a group that is in use,
    and operators want to see all of them.

    The deduplication id is of the message, not of its body: a message that is sent back by hand and
    refused again is a new one, and SQS must not swallow it as a repeat.
    """
    digest = sha256(rejection.body.encode("utf-8", "replace")).hexdigest()
    return {
        "MessageBody": rejection.body,
        "MessageGroupId": f"rejected-{digest[:32]}",
        "MessageDeduplicationId": rejection.message_id,
        "MessageAttributes": {
            REASON: string_attribute(rejection.reason[:MAX_REASON]),
            "sourceMessageId": string_attribute(rejection.message_id),
            ATTEMPT: string_attribute(str(rejection.attempt)),
        },
    }


def _event(event: QueryEvent | ResponseEvent) -> dict[str, Any]:
    return {
        "MessageBody": event.to_json().translate(_REFUSED_BY_SQS),
        "MessageGroupId": event.request_id,
        "MessageDeduplicationId": deduplication_id(event),
    }


def string_attribute(value: str) -> dict[str, str]:
    """A message attribute."""
    return {"DataType": "String", "StringValue": value}


class _Refusal(NamedTuple):
    """Why a message was not taken; `lasting` if that is of the message, and not of the moment."""

    code: str
    lasting: bool = False


def _send(sqs: Any, queue_url: str, messages: Sequence[Mapping[str, Any]]) -> dict[int, _Refusal]:
    """Send messages in as few calls as the limits allow; returns who was refused, and why.

    A call that fails refuses its own messages only, so that one that is too large for the queue
    does not take the others along.
    """
    refused: dict[int, _Refusal] = {}
    for chunk in _chunks(messages):
        entries = [{"Id": str(index), **messages[index]} for index in chunk]
        try:
            with translated():
                answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        except UnavailableError as error:
            refused |= dict.fromkeys(chunk, _Refusal(str(error)))
        else:
            refused |= {int(each["Id"]): _refusal(each) for each in answer.get("Failed", ())}
    return refused


def _refusal(failed: Mapping[str, Any]) -> _Refusal:
    """SQS calls a throttled message the sender's fault too."""
    code = failed["Code"]
    return _Refusal(code, failed.get("SenderFault", False) and code not in THROTTLING)


def _chunks(messages: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """≤ 10 messages and ≤ 250 kB a call."""
    chunk: list[int] = []
    size = 0
    for index, message in enumerate(messages):
        added = len(message["MessageBody"].encode())
        if chunk and (len(chunk) == MAX_ENTRIES or size + added > MAX_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(index)
        size += added
    if chunk:
        yield chunk
