"""Lambda: the erasure queue → sessions forgotten, and other services' counts noted.

The queue carries our own commands, and the Reporter's `SessionErasureCompleted` as EventBridge
delivers it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cv_contracts.events import SessionErasureCompleted

from cv_processor.adapters.settings import EraseSettings, from_environment
from cv_processor.adapters.telemetry import emit
from cv_processor.application.erasure import EraseCommand
from cv_processor.bootstrap.erase import Erasing, erasing
from cv_processor.entrypoints.runtime import BatchAnswer, Event, failures, warm


@cache
def use_case() -> Erasing:
    """Built once per container."""
    return erasing(from_environment(EraseSettings))


def handler(event: Event, context: object) -> BatchAnswer:  # noqa: ARG001 - Lambda's signature
    """Do each message; only what failed comes back."""
    erased, failed = 0, {}
    for record in event["Records"]:
        try:
            erased += _handle(record["body"])
        except Exception as error:  # noqa: BLE001 - reported as this message's failure and retried
            failed[record["messageId"]] = type(error).__name__
    counts = {"CorrelationsErased": erased, "ErasuresFailed": len(failed)}
    emit("erase", counts, failed)
    return failures(failed)


def _handle(body: str) -> int:
    message: dict[str, Any] = json.loads(body)
    if message.get("detail-type") == SessionErasureCompleted.DETAIL_TYPE:
        use_case().note_count(SessionErasureCompleted.from_event(message).data)
        return 0
    return use_case().erase(EraseCommand(message["erasureId"], message["pass"]))


warm(use_case)
