"""Put entries on a bus so that no refused one goes unseen: `publish(put_events, entries)`.

`PutEvents` answers 200 even when it took none of its entries. Ignoring that is how events get lost;
hence this one function, whose result is what was *not* published.

>>> def bus_is_full(*, Entries):
...     results = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]
...     return {"FailedEntryCount": 1, "Entries": results}
>>> [failed.code for failed in publish(bus_is_full, [{"Source": "a", "Detail": "{}"}])]
['ThrottlingException']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MAX_ENTRIES = 10
MAX_REQUEST_BYTES = 1_000_000
TOO_LARGE = "EntryTooLarge"
NO_RESULT = "NoResult"

# EventBridge counts 14 bytes for `Time` beside the texts of an entry.
_TIME_BYTES = 14

Entry = Mapping[str, str]


class PutEvents(Protocol):
    """`boto3.client("events").put_events`, or anything that answers like it."""

    def __call__(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803 (AWS's name)
        """Put up to ten entries on their buses."""
        ...


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """An entry that is not on the bus: its place among the entries given, and why."""

    index: int
    entry: Entry
    code: str
    message: str


def publish(put_events: PutEvents, entries: Sequence[Entry]) -> list[FailedEntry]:
    """Put all entries on their buses, ≤ 10 and ≤ 1 MB a call; return those that were refused.

    What `put_events` raises goes through: then nothing is known about that call's entries, and
    they must be sent again (events carry deterministic ids, so that is harmless).
    """
    failed = []
    sendable = []
    for index, entry in enumerate(entries):
        if entry_bytes(entry) > MAX_REQUEST_BYTES:
            failed.append(FailedEntry(index, entry, TOO_LARGE, f"over {MAX_REQUEST_BYTES} bytes"))
        else:
            sendable.append((index, entry))
    for chunk in _chunks(sendable):
        answer = put_events(Entries=[entry for _, entry in chunk])
        failed.extend(_refused(chunk, answer))
    return sorted(failed, key=lambda failure: failure.index)


def entry_bytes(entry: Entry) -> int:
    """The size that EventBridge counts for an entry."""
    counted = (entry.get(name, "") for name in ("Source", "DetailType", "Detail"))
    return _TIME_BYTES + sum(len(text.encode()) for text in counted)


def _chunks(entries: Sequence[tuple[int, Entry]]) -> Iterator[list[tuple[int, Entry]]]:
    """Split in order, so that each chunk keeps both limits."""
    chunk: list[tuple[int, Entry]] = []
    size = 0
    for index, entry in entries:
        added = entry_bytes(entry)
        if chunk and (len(chunk) == MAX_ENTRIES or size + added > MAX_REQUEST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((index, entry))
        size += added
    if chunk:
        yield chunk


def _refused(
    chunk: Sequence[tuple[int, Entry]], answer: Mapping[str, Any]
) -> Iterator[FailedEntry]:
    """Match results to entries by place; an entry without a result counts as refused."""
    results = answer.get("Entries", [])
    for place, (index, entry) in enumerate(chunk):
        result = results[place] if place < len(results) else {"ErrorCode": NO_RESULT}
        if result.get("ErrorCode") or not result.get("EventId"):
            code = result.get("ErrorCode") or NO_RESULT
            yield FailedEntry(index, entry, code, result.get("ErrorMessage", ""))
