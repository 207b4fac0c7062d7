"""Lambda: the table's stream → events on the bus."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cv_processor.adapters.settings import RelaySettings, from_environment
from cv_processor.adapters.stream import read_records
from cv_processor.adapters.telemetry import emit
from cv_processor.application.relay import RelayReport
from cv_processor.bootstrap.relay import relaying
from cv_processor.entrypoints.runtime import BatchAnswer, Event, failures, warm


class NothingPublishedError(RuntimeError):
    """The bus took none of a batch's events; the whole batch has to come again."""


@cache
def use_case() -> Callable[..., RelayReport]:
    """Built once per container."""
    return relaying(from_environment(RelaySettings))


def handler(event: Event, context: object) -> BatchAnswer:  # noqa: ARG001 - Lambda's signature
    """Publish what changed; only what failed comes back."""
    records, undecodable = read_records(event["Records"])
    report = use_case()(records, undecodable=undecodable)
    counts = {
        "ChangesReceived": report.received,
        "EventsPublished": report.published,
        "EventsNotPublished": len(report.failed),
        "OrphansExpired": report.orphans,
    }
    emit("relay", counts, report.failed)
    if report.failed and not report.published:
        raise NothingPublishedError(f"{len(report.failed)} events were not published")
    return failures(report.failed)


warm(use_case)
