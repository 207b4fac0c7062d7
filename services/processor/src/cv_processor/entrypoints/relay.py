"""Lambda: the table's stream → events on the bus."""

from __future__ import annotations

import time

from cv_processor.adapters.stream import read_records
from cv_processor.application.relay import relay
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_processor.entrypoints.observability import log_line


class NothingPublishedError(RuntimeError):
    """The bus took none of a batch's events; the whole batch has to come again."""


def handler(event: Event, context: object) -> BatchAnswer:
    """Publish what changed; only what failed comes back."""
    began_ns = time.time_ns()
    records, undecodable = read_records(event["Records"])
    given = services()
    report = relay(given.bus, given.settings.bus_name, records, undecodable=undecodable)
    log_line(
        "relay",
        context,
        began_ns=began_ns,
        counts={"received": report.received, "orphans": report.orphans},
        metrics={"EventsPublished": report.published},
        requests=report.requests,
        failed=report.failed,
    )
    if report.failed and not report.published:
        raise NothingPublishedError(f"{len(report.failed)} events were not published")
    return failures(report.failed)


warm(lambda: services().bus)
