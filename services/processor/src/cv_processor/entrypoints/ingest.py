"""Lambda: the ingest FIFO queue → correlations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from cv_processor.adapters.sqs import ATTEMPT
from cv_processor.application.ingest import Ingest, IngestReport, Message
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_processor.entrypoints.observability import log_line


@cache
def use_case() -> Ingest:
    """Made once per container."""
    given = services()
    return Ingest(
        correlations=given.correlations,
        deadlines=given.deadlines,
        rejections=given.rejections,
        erased=given.tombstones,
        executor=given.executor,
        grace_ms=given.settings.grace_seconds * 1_000,
    )


def handler(event: Event, context: object) -> BatchAnswer:
    """Take a batch in; only what failed comes back."""
    began_ns = time.time_ns()
    report = use_case()([_message(record) for record in event["Records"]])
    log_line(
        "ingest",
        context,
        began_ns=began_ns,
        counts=_counts(report),
        metrics={
            "EventsReceived": report.received,
            "EventsRejected": report.rejected,
            "EventsRecorded": report.recorded,
        },
        requests=report.requests,
        failed=report.failed,
        callers=report.callers,
        **_layout(),
    )
    return failures(report.failed)


def _message(record: Mapping[str, Any]) -> Message:
    attempt = record.get("messageAttributes", {}).get(ATTEMPT, {}).get("stringValue", "1")
    return Message(record["messageId"], record["body"], int(attempt) if attempt.isdecimal() else 1)


def _counts(report: IngestReport) -> dict[str, int]:
    return {
        "repeated": report.repeated,
        "conflicts": report.conflicts,
        "of_erased_sessions": report.erased,
    }


def _layout() -> dict[str, object]:
    """That the setting is not followed, once per container."""
    difference = services().layouts.difference()
    return {"layout": difference} if difference else {}


warm(use_case)
