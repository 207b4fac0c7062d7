"""The facts queue's dead letters, for operators: look without taking, and send back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cv_reporter.adapters.aws import translated
from cv_reporter.application.errors import UnavailableError

_LOOK_SECONDS = 60
_RECEIPT_EXPIRED: Final = frozenset(
    {"MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"}
)
"""What SQS answers about a receipt whose minute is over."""
_WAIT_SECONDS = 1
"""Without a wait SQS asks only some of its servers, and may show nothing of what it has."""
ATTEMPT: Final = "attempt"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the DLQ.

    `attempt` counts the deliveries by hand: 1 for a message that was never sent back.
    `sent_at` is in milliseconds, by the queue's clock: when it was sent to the facts queue.
    """

    message_id: str
    body: str
    sent_at: int
    attempt: int
    receipt: str


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The DLQ of the facts queue and the queue that its messages came from."""

    sqs: Any
    url: str
    source_url: str

    def waiting(self) -> int:
        """About how many messages there are, those included that somebody is looking at."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with translated():
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def waiting_if_known(self) -> int | None:
        """As `waiting`; `None` if the queue does not say."""
        try:
            return self.waiting()
        except UnavailableError:
            return None

    def letters(self) -> Iterator[DeadLetter]:
        """The messages, hidden from others until `put_back` or `redrive`, or for a minute."""
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
        """Send the message back to the facts queue, then delete it here.

        A crash in between leaves it in both, which changes nothing: a fact is written once.
        """
        attempt = {"DataType": "String", "StringValue": str(letter.attempt + 1)}
        with translated():
            self.sqs.send_message(
                QueueUrl=self.source_url,
                MessageBody=letter.body,
                MessageAttributes={ATTEMPT: attempt},
            )
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes, custom = message.get("Attributes", {}), message.get("MessageAttributes", {})
    return DeadLetter(
        message_id=message["MessageId"],
        body=message["Body"],
        sent_at=int(attributes.get("SentTimestamp", 0)),
        attempt=int(custom.get(ATTEMPT, {}).get("StringValue", 1)),
        receipt=message["ReceiptHandle"],
    )
