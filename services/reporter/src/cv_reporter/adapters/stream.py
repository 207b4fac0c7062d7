"""The table's stream: which day's facts a change record is about, and which event it calls for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cv_reporter.adapters.items import generation_of, request_of
from cv_reporter.application.ports import OutboxEvent, Partition
from cv_reporter.domain.fact import place_of

Record = Mapping[str, Any]

FACTS = "DAY#"
LOCATORS = "LOCATOR#"
OUTBOX = "OUTBOX#"
_TTL_PRINCIPAL = "dynamodb.amazonaws.com"


def by_generation(records: Iterable[Record]) -> dict[int, list[Record]]:
    """The changes of facts and locators, by their generation."""
    generations: dict[int, list[Record]] = {}
    for record in records:
        if _pk(record).startswith((FACTS, LOCATORS)):
            generation = generation_of(_pk(record), _sk(record))
            generations.setdefault(generation or 1, []).append(record)
    return generations


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
    return request_of(_sk(record))


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


def _sk(record: Record) -> str:
    return str(record["dynamodb"]["Keys"]["sk"]["S"])


def _partition(record: Record) -> Partition:
    place = place_of(_pk(record))
    return Partition(place.day, place.shard)
