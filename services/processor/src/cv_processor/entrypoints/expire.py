"""Lambda: the deadline queue → questions closed as `no_response`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from cv_processor.adapters.settings import ExpireSettings, from_environment
from cv_processor.adapters.telemetry import emit
from cv_processor.application.expire import DeadlineMessage, ExpireReport
from cv_processor.bootstrap.expire import expiry
from cv_processor.entrypoints.runtime import BatchAnswer, Event, failures, warm


@cache
def use_case() -> Callable[[Sequence[DeadlineMessage]], ExpireReport]:
    """Built once per container."""
    return expiry(from_environment(ExpireSettings))


def handler(event: Event, context: object) -> BatchAnswer:  # noqa: ARG001 - Lambda's signature
    """Close what is still open; only what failed comes back."""
    records = event["Records"]
    report = use_case()([DeadlineMessage(each["messageId"], each["body"]) for each in records])
    counts = {
        "DeadlinesReceived": report.received,
        "DeadlinesClosed": report.given_up,
        "DeadlinesFailed": len(report.failed),
    }
    emit("expire", counts, report.failed)
    return failures(report.failed)


warm(use_case)
