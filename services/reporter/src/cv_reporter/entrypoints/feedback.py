"""SES → suppressions: permanent bounces and complaints stop further mail to that address."""

from __future__ import annotations

from collections.abc import Iterator

from cv_reporter.bootstrap import clock, suppressions
from cv_reporter.entrypoints._lambda import Event, log, metric, warm

warm(suppressions)


def handler(event: Event, _context: object) -> dict[str, int]:
    """Take an SES event from EventBridge (`Email Bounced`, `Email Complaint Received`)."""
    stopped = dict(addresses(event["detail"]))
    for address, reason in stopped.items():
        suppressions().add(address, reason, clock()())
    metric("MailStopped", len(stopped))
    log("feedback", stopped=len(stopped))
    return {"stopped": len(stopped)}


def addresses(detail: Event) -> Iterator[tuple[str, str]]:
    """The addresses to stop and why.

    A transient bounce (a full mailbox) stops nothing, nor does the report that mail is no spam,
    which comes as a complaint too.
    """
    bounce = detail.get("bounce") or {}
    if bounce.get("bounceType") == "Permanent":
        for each in bounce.get("bouncedRecipients", ()):
            yield each["emailAddress"].lower(), "bounce"
    complaint = detail.get("complaint") or {}
    if complaint.get("complaintFeedbackType") != "not-spam":
        for each in complaint.get("complainedRecipients", ()):
            yield each["emailAddress"].lower(), "complaint"
