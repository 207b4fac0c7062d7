"""Lambda: every hour, the gauges of what waits in the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cv_processor.adapters.settings import GaugeSettings, from_environment
from cv_processor.adapters.telemetry import emit
from cv_processor.application.gauge import Gauges
from cv_processor.bootstrap.gauge import gauging
from cv_processor.entrypoints.runtime import Event, warm


@cache
def use_case() -> Callable[[], Gauges]:
    """Built once per container."""
    return gauging(from_environment(GaugeSettings))


def handler(event: Event, context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Look once, print the line."""
    gauges = use_case()()
    counts = {
        "OpenPastDeadline": gauges.open_past_deadline,
        "OpenInTime": gauges.open_in_time,
        "OrphanResponses": gauges.orphan_responses,
    }
    emit("gauge", counts, {})


warm(use_case)
