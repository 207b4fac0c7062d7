"""The ingest DLQ, for operators: look without taking, and send back without losing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cv_processor.adapters.aws import translated
from cv_processor.adapters.sqs import ATTEMPT, REASON, string_attribute
from cv_processor.application.errors import UnavailableError

_LOOK_SECONDS = 60
_RECEIPT_EXPIRED: Final = frozenset(
    {"MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"}
)
"""What SQS answers about a receipt whose minute is over."""
_WAIT_SECONDS = 1
"""Without a wait SQS asks only some of its servers, and may show nothing of what it has."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the DLQ. `reason` is there if ingest rejected it; else its retries ran out.

    `attempt` counts the deliveries by hand: 1 for a message that was never sent back.
    `sent_at` is in milliseconds, by the queue's clock.
    """

    message_id: str
    body: str
    group: str
    sent_at: int
    attempt: int
    reason: str | None
    receipt: str


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The ingest DLQ and the queue that its messages came from."""

    sqs: Any
    url: str
    source_url: str

    def waiting(self) -> int:
        """About how many messages there are, those included that somebody is looking at."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with translated():
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def letters(self) -> Iterator[DeadLetter]:
        """The messages, hidden from others until `put_back` or `redrive`, or for a minute.

        SQS hands out no more of a group than ten until those are put back or gone.
        """
        while True:
            with translated():
                answer = self.sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_LOOK_SECONDS,
                    WaitTimeSeconds=_WAIT_SECONDS,
                    AttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            messages = answer.get("Messages", [])
            if not messages:
                return
            yield from map(_letter, messages)

    def put_back(self, letter: DeadLetter) -> None:
        """Let others see the message again at once; they may do so already."""
        try:
            with translated():
                self.sqs.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
                )
        except UnavailableError as error:
            if str(error).rpartition(".")[2] not in _RECEIPT_EXPIRED:
                raise

    def redrive(self, letter: DeadLetter) -> None:
        """Send the message back to the ingest queue, then delete it here.

        A crash in between leaves it in both. The next attempt then sends it under the same
        deduplication id, which SQS takes once within five minutes; later, ingest finds a repeat.
        """
        with translated():
            self.sqs.send_message(
                QueueUrl=self.source_url,
                MessageBody=letter.body,
                MessageGroupId=letter.group,
                MessageDeduplicationId=f"redrive-{letter.message_id}",
                MessageAttributes={ATTEMPT: string_attribute(str(letter.attempt + 1))},
            )
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes, custom = message.get("Attributes", {}), message.get("MessageAttributes", {})
    return DeadLetter(
        message_id=message["MessageId"],
        body=message["Body"],
        group=attributes.get("MessageGroupId", "redrive"),
        sent_at=int(attributes.get("SentTimestamp", 0)),
        attempt=int(custom.get(ATTEMPT, {}).get("StringValue", 1)),
        reason=custom.get(REASON, {}).get("StringValue"),
        receipt=message["ReceiptHandle"],
    )
