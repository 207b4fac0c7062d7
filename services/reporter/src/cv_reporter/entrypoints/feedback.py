"""Lambda: SES → suppressions. Permanent bounces and complaints stop mail to that address."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.batch import Event, warm
from cv_reporter.entrypoints.observability import log_line


def handler(event: Event, context: object) -> dict[str, int]:
    """Take an SES event from EventBridge (`Email Bounced`, `Email Complaint Received`)."""
    began_ns = time.time_ns()
    given = services()
    stopped = dict(addresses(event["detail"]))
    for address, reason in stopped.items():
        given.suppressions.add(address, reason, given.now_ms())
    log_line("feedback", context, began_ns=began_ns, metrics={"MailStopped": len(stopped)})
    return {"stopped": len(stopped)}


def addresses(detail: Event) -> Iterator[tuple[str, str]]:
    """The addresses to stop and why.

    A transient bounce (a full mailbox) stops nothing, nor does the report that mail is no spam,
    which comes as a complaint too.
    """
    bounce = detail.get("bounce") or {}
    if bounce.get("bounceType") == "Permanent":
        for recipient in bounce.get("bouncedRecipients", ()):
            yield recipient["emailAddress"].lower(), "bounce"
    complaint = detail.get("complaint") or {}
    if complaint.get("complaintFeedbackType") != "not-spam":
        for recipient in complaint.get("complainedRecipients", ()):
            yield recipient["emailAddress"].lower(), "complaint"


warm(lambda: services().suppressions)
