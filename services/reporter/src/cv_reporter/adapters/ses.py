"""The e-mail that the Reporter sends, through SES."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from cv_reporter.adapters.aws import error_code, translated
from cv_reporter.application.ports import Mail, MailRefusedError

_SURELY_NOT_SENT = range(400, 500)
_NEVER_CONNECTED = (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError)


@dataclass(frozen=True, slots=True)
class SesMailer:
    """SES v2. The client must not retry: an answer that was lost may have sent the mail."""

    client: Any
    sender: str
    configuration_set: str

    def send(self, mail: Mail) -> str:
        """Send one mail; returns SES's message id."""
        request: dict[str, Any] = {
            "FromEmailAddress": self.sender,
            "Destination": {"ToAddresses": [mail.recipient]},
            "Content": {"Simple": _simple(mail, self.sender)},
            "ConfigurationSetName": self.configuration_set,
        }
        with translated():
            try:
                return str(self.client.send_email(**request)["MessageId"])
            except _NEVER_CONNECTED as error:
                raise MailRefusedError(type(error).__name__) from error
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if status in _SURELY_NOT_SENT:
                    raise MailRefusedError(error_code(error)) from error
                raise


def _simple(mail: Mail, sender: str) -> dict[str, Any]:
    def part(content: str) -> dict[str, str]:
        return {"Data": content, "Charset": "UTF-8"}

    simple: dict[str, Any] = {
        "Subject": part(mail.subject),
        "Body": {"Html": part(mail.html), "Text": part(mail.text)},
    }
    if mail.unsubscribe:  # RFC 2369 and, for one click, RFC 8058; the mail is for older programs
        by_mail = f"mailto:{sender}?subject=unsubscribe"
        simple["Headers"] = [
            {"Name": "List-Unsubscribe", "Value": f"<{mail.unsubscribe}>, <{by_mail}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]
    return simple
