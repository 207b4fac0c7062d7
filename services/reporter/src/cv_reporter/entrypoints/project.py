"""Lambda: the facts queue → facts. A rule took the events from the Processor's bus."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from cv_reporter.application.errors import cause
from cv_reporter.bootstrap import services, unread
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line


def handler(event: Event, context: object) -> BatchAnswer:
    """Project a batch; exactly the messages that failed are delivered again."""
    began_ns = time.time_ns()
    events: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    for record in event["Records"]:
        try:
            events[record["messageId"]] = json.loads(record["body"])
        except ValueError as error:
            unreadable[record["messageId"]] = cause(error)
    given = services()
    report = given.projector.project(events)
    failed = unreadable | report.failed
    log_line(
        "project",
        context,
        began_ns=began_ns,
        counts={"received": len(event["Records"]), "erasures": report.erasures},
        metrics={"FactsRecorded": report.recorded, **_lag(events, given.now_ms())},
        requests=report.requests,
        failed=failed,
        unfollowed=given.unfollowed,
    )
    return failures(failed)


def _lag(events: dict[str, Any], now_ms: int) -> dict[str, int]:
    """Milliseconds since the bus took the oldest of the events; nothing if none says when."""
    taken = [at for event in events.values() if (at := _taken_ms(event)) is not None]
    return {"ProjectLag": max(0, now_ms - min(taken))} if taken else {}


def _taken_ms(event: Any) -> int | None:
    """When EventBridge took the event, by its envelope."""
    try:
        return int(datetime.fromisoformat(event["time"]).timestamp() * 1_000)
    except (KeyError, TypeError, ValueError):
        return None


warm(lambda: unread().projector)
