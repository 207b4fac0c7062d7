"""Republish: a day's events once more, from the table. Same state, same ids, same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from cv_processor.application.ports import CorrelationReader, EventBus
from cv_processor.domain.publication import completed_event

CHUNK = 100


@dataclass(frozen=True, slots=True)
class DayRepublished:
    """What became of one day."""

    day: date
    published: int
    refused: int


def republish(
    reader: CorrelationReader, bus: EventBus, bus_name: str, *, first: date, last: date, shards: int
) -> Iterator[DayRepublished]:
    """Put every closed correlation of these UTC days on the bus again, a day at a time."""
    day = first
    while day <= last:
        yield _republish_day(reader, bus, bus_name, day, shards)
        day += timedelta(days=1)


def _republish_day(
    reader: CorrelationReader, bus: EventBus, bus_name: str, day: date, shards: int
) -> DayRepublished:
    published = refused = 0
    for shard in range(shards):
        for chunk in _chunks(reader, day, shard):
            found = reader.get_many(chunk).values()
            entries = [completed_event(each).to_entry(bus_name) for each in found if each.closed]
            failed = len(bus.publish(entries)) if entries else 0
            published += len(entries) - failed
            refused += failed
    return DayRepublished(day, published, refused)


def _chunks(reader: CorrelationReader, day: date, shard: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    for entry in reader.day(day, shard):
        chunk.append(entry.request_id)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
