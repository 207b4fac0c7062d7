"""Lambda: the ingest FIFO queue → correlations."""

from __future__ import annotations

from functools import cache

from cv_processor.adapters.settings import IngestSettings, from_environment
from cv_processor.adapters.telemetry import emit
from cv_processor.application.ingest import Ingest, IngestReport, Message
from cv_processor.bootstrap.ingest import ingest as wired
from cv_processor.entrypoints.runtime import BatchAnswer, Event, failures, warm


@cache
def use_case() -> Ingest:
    """Built once per container."""
    return wired(from_environment(IngestSettings))


def handler(event: Event, context: object) -> BatchAnswer:  # noqa: ARG001 - Lambda's signature
    """Take a batch in; only what failed comes back."""
    messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
    report = use_case()(messages)
    emit("ingest", _counts(report), report.failed)
    return failures(report.failed)


def _counts(report: IngestReport) -> dict[str, int]:
    return {
        "EventsReceived": report.received,
        "EventsRecorded": report.recorded,
        "EventsRepeated": report.repeated,
        "ConflictsParked": report.conflicts,
        "EventsRejected": report.rejected,
        "EventsOfErasedSessions": report.erased,
        "EventsFailed": len(report.failed),
    }


warm(use_case)
