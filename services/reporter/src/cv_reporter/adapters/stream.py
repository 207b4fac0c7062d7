"""The table's stream: which day's facts a change record is about, and which event it calls for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cv_reporter.adapters.items import request_of
from cv_reporter.application.ports import OutboxEvent, Partition

Record = Mapping[str, Any]

FACTS = "DAY#"
LOCATORS = "LOCATOR#"
OUTBOX = "OUTBOX#"
_TTL_PRINCIPAL = "dynamodb.amazonaws.com"


def by_day(records: Iterable[Record]) -> dict[Partition, list[Record]]:
    """The changes of facts, by the day and shard whose summary they change."""
    by_partition: dict[Partition, list[Record]] = {}
    for record in records:
        if _pk(record).startswith(FACTS):
            by_partition.setdefault(_partition(record), []).append(record)
    return by_partition


def gone(records: Iterable[Record]) -> dict[Partition, list[Record]]:
    """Those of the changes after which a question is no longer a session's, by day and shard.

    Its row was removed, by whomever, or a correction gave it to another session.
    """
    return by_day(record for record in records if _is_gone(record["dynamodb"]))


def question_of(record: Record) -> str:
    """The request id of a fact's change."""
    return request_of(str(record["dynamodb"]["Keys"]["sk"]["S"]))


def _is_gone(change: Mapping[str, Any]) -> bool:
    old, new = change.get("OldImage"), change.get("NewImage")
    return old is not None and (new is None or new.get("lookup") != old.get("lookup"))


def new_rows(records: Iterable[Record], prefix: str) -> list[Any]:
    """The items that were written under partition keys of a prefix."""
    images = (record["dynamodb"].get("NewImage") for record in records)
    return [image for image in images if image and image["pk"]["S"].startswith(prefix)]


def outbox_events(records: Iterable[Record]) -> dict[str, OutboxEvent]:
    """The events that new outbox items call for, by sequence number."""
    return {
        sequence_number(record): OutboxEvent(
            image["source"]["S"], image["sk"]["S"], image["detail"]["S"]
        )
        for record in records
        if record["eventName"] == "INSERT" and _pk(record).startswith(OUTBOX)
        for image in (record["dynamodb"]["NewImage"],)
    }


def expired(record: Record) -> bool:
    """Whether it is time to live that removed the row: the day is over and its summary stays."""
    principal = (record.get("userIdentity") or {}).get("principalId")
    return bool(record.get("eventName") == "REMOVE" and principal == _TTL_PRINCIPAL)


def sequence_number(record: Record) -> str:
    """What identifies a record within its stream shard."""
    return str(record["dynamodb"]["SequenceNumber"])


def _pk(record: Record) -> str:
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def _partition(record: Record) -> Partition:
    _, day, shard = _pk(record).split("#")
    return Partition(date.fromisoformat(day), int(shard))
