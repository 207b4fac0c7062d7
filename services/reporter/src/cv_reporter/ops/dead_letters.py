"""The facts queue's dead letters: look at them without taking them, and move them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LOOK_SECONDS = 5
MAX_BATCH = 10


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed five times."""

    message_id: str
    received: str
    body: str
    receipt: str

    @property
    def line(self) -> str:
        """Id, tries and kind, without content."""
        return f"{self.message_id}  {self.received} tries  {_kind(self.body)}"


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The queue."""

    client: Any
    url: str

    def count(self) -> int:
        """About how many messages wait."""
        return int(self._attribute("ApproximateNumberOfMessages"))

    def look(self, limit: int) -> Iterator[DeadLetter]:
        """Up to `limit` messages; they stay in the queue, hidden for a few seconds."""
        while limit > 0:
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(MAX_BATCH, limit),
                VisibilityTimeout=LOOK_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            limit -= len(messages)
            for each in messages:
                received = each.get("Attributes", {}).get("ApproximateReceiveCount", "?")
                yield DeadLetter(each["MessageId"], received, each["Body"], each["ReceiptHandle"])

    @property
    def source(self) -> str:
        """The queue whose dead letters these are: the stack names it so."""
        return self.url.removesuffix("-dlq")

    def redrive(self, letter: DeadLetter) -> None:
        """Send a message back to the queue that it came from, then delete it here.

        A crash in between leaves it in both, which changes nothing: a fact is written once.
        """
        self.client.send_message(QueueUrl=self.source, MessageBody=letter.body)
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)

    def _attribute(self, name: str) -> str:
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(answer["Attributes"][name])


def _kind(body: str) -> str:
    try:
        return str(json.loads(body)["detail-type"])
    except (ValueError, KeyError, TypeError):
        return "no event"
