"""SQS → facts: events that the Reporter's rule took from the Processor's bus."""

from __future__ import annotations

import json
from typing import Any

from cv_reporter.bootstrap import projector
from cv_reporter.entrypoints._lambda import BatchAnswer, Event, error_names, failures, log, warm

warm(projector)


def handler(event: Event, _context: object) -> BatchAnswer:
    """Project a batch; exactly the messages that failed are delivered again."""
    events: dict[str, Any] = {}
    failed: dict[str, Exception] = {}
    for record in event["Records"]:
        try:
            events[record["messageId"]] = json.loads(record["body"])
        except ValueError as error:
            failed[record["messageId"]] = error
    failed |= projector().project(events)
    log("projected", events=len(events), failed=error_names(failed.values()))
    return failures(failed)
