"""Lambda: the table's stream → the Reporter's bus: new outbox items become events."""

from __future__ import annotations

import time

from cv_reporter.adapters.stream import outbox_events
from cv_reporter.application.relay import Relay
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line


class NothingPublishedError(RuntimeError):
    """The bus took none of a batch's events; the whole batch has to come again."""


def handler(event: Event, context: object) -> BatchAnswer:
    """Publish a batch; exactly the refused events are delivered again."""
    began_ns = time.time_ns()
    events = outbox_events(event["Records"])
    refused = Relay(services().bus).relay(events) if events else []
    log_line(
        "relay",
        context,
        began_ns=began_ns,
        counts={"received": len(event["Records"]), "published": len(events) - len(refused)},
        failed=dict.fromkeys(refused, "refused by the bus"),
    )
    if refused and len(refused) == len(events):
        raise NothingPublishedError(f"{len(refused)} events were not published")
    return failures(refused)


warm(lambda: services().bus)
