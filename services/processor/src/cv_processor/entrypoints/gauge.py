"""Lambda: every hour, what waits in the table for something that may never come."""

from __future__ import annotations

from cv_processor.application.gauge import gauge
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import Event, warm
from cv_processor.entrypoints.observability import log_line


def handler(event: Event, context: object) -> None:  # noqa: ARG001 - a schedule's event says nothing
    """Look once, log the line."""
    given = services()
    grace_ms = given.settings.grace_seconds * 1_000
    gauges = gauge(given.correlations.unclosed(), now=given.now_ms(), grace_ms=grace_ms)
    log_line(
        "gauge",
        context,
        counts={"open_in_time": gauges.open_in_time, "orphans": gauges.orphan_responses},
        metrics={"OpenPastDeadline": gauges.open_past_deadline},
    )


warm(lambda: services().correlations)
