"""Lambda: the bus (`QuestionAsked`, `QuestionAnswered`) → the ingest queue.

A rule could send to the queue itself, but then with one message group for all, and a FIFO queue
hands out a group one batch at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cv_processor.adapters.settings import IntakeSettings, from_environment
from cv_processor.adapters.telemetry import emit
from cv_processor.bootstrap.intake import intake as wired
from cv_processor.entrypoints.runtime import Event, warm


@cache
def use_case() -> Callable[[Event], None]:
    """Built once per container."""
    return wired(from_environment(IntakeSettings))


def handler(event: Event, context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Queue one event. What raises is tried again by Lambda, then kept in the failure queue."""
    use_case()(event)
    emit("intake", {"EventsTakenIn": 1}, {})


warm(use_case)
