"""Lambda: the deadline queue → questions closed as `no_response`."""

from __future__ import annotations

import time

from cv_processor.application.expire import DeadlineMessage, expire
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_processor.entrypoints.observability import log_line


def handler(event: Event, context: object) -> BatchAnswer:
    """Close what is still open; only what failed comes back."""
    began_ns = time.time_ns()
    records = event["Records"]
    messages = [DeadlineMessage(record["messageId"], record["body"]) for record in records]
    report = expire(services().correlations, messages)
    counts = {"received": report.received, "closed": report.given_up}
    log_line(
        "expire",
        context,
        began_ns=began_ns,
        counts=counts,
        requests=report.requests,
        failed=report.failed,
    )
    return failures(report.failed)


warm(lambda: services().correlations)
