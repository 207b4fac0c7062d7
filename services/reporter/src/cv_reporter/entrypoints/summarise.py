"""Table stream → day summaries: recompute each day and shard whose facts changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import guard, summariser
from cv_reporter.entrypoints._lambda import BatchAnswer, Event, error_names, failures, log, warm

FACTS = "DAY#"
LOCATORS = "LOCATOR#"
TTL_SERVICE = "dynamodb.amazonaws.com"

warm(guard, summariser)

Record = Mapping[str, Any]


def handler(event: Event, _context: object) -> BatchAnswer:
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
            summariser().refresh(at)
        except Exception as error:  # noqa: BLE001 (one day must not stop the others)
            failed[at] = error
    log("summarised", days=len(by_day), failed=error_names(failed.values()))
    if failed and len(failed) == len(by_day):
        raise next(iter(failed.values()))
    return failures(sequence_number(by_day[at][0]) for at in failed)


def check(records: Iterable[Record]) -> None:
    """Let the guard look at new rows and at locators."""
    images = [record["dynamodb"].get("NewImage") for record in records]
    present = [image for image in images if image]
    rows = [image for image in present if image["pk"]["S"].startswith(FACTS)]
    if rows:
        guard().check_rows(rows)
    for image in present:
        if image["pk"]["S"].startswith(LOCATORS):
            guard().check_locator(image)


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
