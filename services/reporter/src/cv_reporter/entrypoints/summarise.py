"""Lambda: the table's stream → day summaries of each day and shard whose facts changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cv_reporter.application.errors import cause
from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line

FACTS = "DAY#"
LOCATORS = "LOCATOR#"
TTL_SERVICE = "dynamodb.amazonaws.com"

Record = Mapping[str, Any]


def handler(event: Event, context: object) -> BatchAnswer:
    """Check new rows, then recompute; raises if nothing at all could be recomputed."""
    records = [record for record in event["Records"] if not expired(record)]
    check(records)
    by_day: dict[Partition, list[Record]] = {}
    for record in records:
        if pk(record).startswith(FACTS):
            by_day.setdefault(partition_of(record), []).append(record)
    failed: dict[Partition, Exception] = {}
    for at in by_day:
        try:
            services().summariser.refresh(at)
        except Exception as error:  # noqa: BLE001 (one day must not stop the others)
            failed[at] = error
    causes = {sequence_number(by_day[at][0]): cause(error) for at, error in failed.items()}
    counts = {"received": len(event["Records"]), "days": len(by_day)}
    log_line("summarise", context, counts=counts, failed=causes)
    if failed and len(failed) == len(by_day):
        raise next(iter(failed.values()))
    return failures(causes)


def check(records: Iterable[Record]) -> None:
    """Let the guard look at new rows and at locators."""
    images = [record["dynamodb"].get("NewImage") for record in records]
    present = [image for image in images if image]
    rows = [image for image in present if image["pk"]["S"].startswith(FACTS)]
    if rows:
        services().guard.check_rows(rows)
    for image in present:
        if image["pk"]["S"].startswith(LOCATORS):
            services().guard.check_locator(image)


def expired(record: Record) -> bool:
    """Whether it is time to live that removed the row: the day is over and its summary stays."""
    identity = record.get("userIdentity") or {}
    return bool(record.get("eventName") == "REMOVE" and identity.get("principalId") == TTL_SERVICE)


def pk(record: Record) -> str:
    """The changed item's partition key."""
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def partition_of(record: Record) -> Partition:
    """The day and shard of a changed fact."""
    _, day, shard = pk(record).split("#")
    return Partition(date.fromisoformat(day), int(shard))


def sequence_number(record: Record) -> str:
    """What identifies a record within its stream shard."""
    return str(record["dynamodb"]["SequenceNumber"])


warm(lambda: (services().guard, services().summariser))
