"""Lambda: today's use cases of the Processor, once per table of `TABLES`.

A message is acknowledged when every table has it: the queue is the retry log. The second run is a
whole one: with its deadlines left out, a question that reached its table late stays open for ever.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from cv_processor.adapters.sqs import ATTEMPT
from cv_processor.application.expire import DeadlineMessage, expire
from cv_processor.application.ingest import Ingest, Message
from cv_processor.bootstrap import Services
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures


@cache
def services() -> tuple[Services, ...]:
    """The Processor's services, once for each table."""
    given = Services.of_environment()
    names = os.environ["TABLES"].split(",")
    settings = (given.settings.model_copy(update={"table_name": name}) for name in names)
    return tuple(Services(one, given.client) for one in settings)


@cache
def ingests() -> tuple[Ingest, ...]:
    """Today's use case, once for each table."""
    return tuple(
        Ingest(
            correlations=given.correlations,
            deadlines=given.deadlines,
            rejections=given.rejections,
            erased=given.tombstones,
            executor=given.executor,
            grace_ms=given.settings.grace_seconds * 1_000,
        )
        for given in services()
    )


def ingest(event: Event, _: object) -> BatchAnswer:
    """Take a batch in, into every table; what failed for one of them comes back."""
    messages = [message_of(record) for record in event["Records"]]
    failed: dict[str, str] = {}
    for use_case in ingests():
        failed |= use_case(messages).failed
    return failures(failed)


def close(event: Event, _: object) -> BatchAnswer:
    """Close what is still open, in every table; what failed for one of them comes back."""
    # Each run sends a deadline of its own: one of each question in a batch is enough.
    messages = {
        one["body"]: DeadlineMessage(one["messageId"], one["body"]) for one in event["Records"]
    }
    failed: dict[str, str] = {}
    for given in services():
        failed |= expire(given.correlations, list(messages.values())).failed
    return failures(failed)


def message_of(record: Mapping[str, Any]) -> Message:
    """A message of the ingest queue."""
    attempt = record.get("messageAttributes", {}).get(ATTEMPT, {}).get("stringValue", "1")
    return Message(record["messageId"], record["body"], int(attempt) if attempt.isdecimal() else 1)
