"""Lambda: the erasure queue → sessions and questions forgotten, and other services' counts noted.

The queue carries our own commands, and the Reporter's `SessionErasureCompleted` as EventBridge
delivers it.
"""

from __future__ import annotations

import json
import time
from typing import Any

from cv_contracts.events import SessionErasureCompleted

from cv_processor.application.erasure import EraseCommand, erase, note_count
from cv_processor.application.errors import cause
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_processor.entrypoints.observability import log_line


def handler(event: Event, context: object) -> BatchAnswer:
    """Do each message; only what failed comes back."""
    began_ns = time.time_ns()
    erased, failed = 0, {}
    for record in event["Records"]:
        try:
            erased += _handle(record["body"])
        except Exception as error:  # noqa: BLE001 - this message's failure; it comes again
            failed[record["messageId"]] = cause(error)
    log_line("erase", context, began_ns=began_ns, counts={"erased": erased}, failed=failed)
    return failures(failed)


def _handle(body: str) -> int:
    given = services()
    message: dict[str, Any] = json.loads(body)
    if message.get("detail-type") == SessionErasureCompleted.DETAIL_TYPE:
        count = SessionErasureCompleted.from_event(message).data
        note_count(given.erasures, count.erasure_id, count.service, count.facts)
        return 0
    command = EraseCommand(message["erasureId"], message["pass"])
    settle = given.settings.settle_seconds
    return erase(given.erasures, given.erasure_queue, command, now=given.now_ms(), settle=settle)


warm(lambda: services().erasures)
