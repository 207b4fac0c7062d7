"""What leaves the Reporter: e-mail through SES, events through EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cv_contracts.publish import publish

from cv_reporter.adapters.aws import error_code
from cv_reporter.application.ports import Mail, MailRefused, OutboxEvent

_SURELY_NOT_SENT = range(400, 500)


@dataclass(frozen=True, slots=True)
class SesMailer:
    """SES v2. The client must not retry: an answer that was lost may have sent the mail."""

    client: Any
    sender: str
    configuration_set: str = ""

    def send(self, mail: Mail) -> str:
        """Send one mail; returns SES's message id."""
        request: dict[str, Any] = {
            "FromEmailAddress": self.sender,
            "Destination": {"ToAddresses": [mail.recipient]},
            "Content": {"Simple": _simple(mail)},
        }
        if self.configuration_set:
            request["ConfigurationSetName"] = self.configuration_set
        try:
            return str(self.client.send_email(**request)["MessageId"])
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status in _SURELY_NOT_SENT:
                raise MailRefused(error_code(error)) from error
            raise


def _simple(mail: Mail) -> dict[str, Any]:
    def part(content: str) -> dict[str, str]:
        return {"Data": content, "Charset": "UTF-8"}

    simple: dict[str, Any] = {
        "Subject": part(mail.subject),
        "Body": {"Html": part(mail.html), "Text": part(mail.text)},
    }
    if mail.unsubscribe:  # RFC 2369 and, for one click, RFC 8058
        simple["Headers"] = [
            {"Name": "List-Unsubscribe", "Value": f"<{mail.unsubscribe}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]
    return simple


@dataclass(frozen=True, slots=True)
class FactsDeadLetters:
    """The dead-letter queue of the facts queue."""

    client: Any
    queue_url: str

    def count(self) -> int | None:
        """About how many messages wait; `None` if SQS does not say."""
        try:
            answer = self.client.get_queue_attributes(
                QueueUrl=self.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (BotoCoreError, ClientError):
            return None
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """The Reporter's own bus."""

    client: Any
    name: str

    def publish(self, events: Sequence[OutboxEvent]) -> set[int]:
        """Publish events; returns the places of those that were refused."""
        entries = [
            {
                "EventBusName": self.name,
                "Source": event.source,
                "DetailType": event.detail_type,
                "Detail": event.detail,
            }
            for event in events
        ]
        return {failed.index for failed in publish(self.client.put_events, entries)}
