"""Lambda: the bus (`QuestionAsked`, `QuestionAnswered`) → the ingest queue.

A rule could send to the queue itself, but then with one message group for all, and a FIFO queue
hands out a group one batch at a time.
"""

from __future__ import annotations

import time

from cv_processor.application.intake import take_in
from cv_processor.bootstrap import services
from cv_processor.entrypoints.batch import Event, warm
from cv_processor.entrypoints.observability import log_line


def handler(event: Event, context: object) -> None:
    """Queue one event. What raises is tried again by Lambda, then kept in the failure queue."""
    began_ns = time.time_ns()
    request_id = take_in(services().ingest_queue, event)
    log_line("intake", context, began_ns=began_ns, requests=[request_id])


warm(lambda: services().ingest_queue)
