"""The table's stream: from a change record to the change that it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cv_processor.adapters.items import (
    CORRELATION_SORT_KEY,
    REQUEST_PREFIX,
    from_item,
    request_id_of,
)
from cv_processor.adapters.receipts import erasure_of, is_erased
from cv_processor.application.relay import (
    Change,
    CorrelationChanged,
    OrphanRetired,
    Record,
    WasErased,
)

_TTL_PRINCIPAL = "dynamodb.amazonaws.com"


def read_records(
    records: Iterable[Mapping[str, Any]],
) -> tuple[list[Record], dict[str, str]]:
    """The records that could be read, and the sequence numbers (→ reason) of those that could not.

    A record that nobody can read must not stop those behind it; it is reported as failed, so it
    ends in the on-failure queue.
    """
    read, undecodable = [], {}
    for record in records:
        sequence_number = str(record["dynamodb"]["SequenceNumber"])
        try:
            read.append(Record(sequence_number, _change(record)))
        except (KeyError, TypeError, ValueError) as error:  # pydantic's is a ValueError
            undecodable[sequence_number] = type(error).__name__
    return read, undecodable


def _change(record: Mapping[str, Any]) -> Change | None:
    old, new = record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")
    key = record["dynamodb"]["Keys"]
    if is_erased(key, old, new):
        return WasErased(erasure_of(new))
    if key["sk"]["S"] != CORRELATION_SORT_KEY or not key["pk"]["S"].startswith(REQUEST_PREFIX):
        return None
    if new is not None:
        return CorrelationChanged(from_item(old) if old else None, from_item(new))
    return _retired(record, old)


def _retired(record: Mapping[str, Any], old: Any) -> Change | None:
    """An erasure also removes; only the table's own time-to-live retires."""
    by_ttl = (record.get("userIdentity") or {}).get("principalId") == _TTL_PRINCIPAL
    if by_ttl and old and "query" not in old:
        return OrphanRetired(request_id_of(old))
    return None
