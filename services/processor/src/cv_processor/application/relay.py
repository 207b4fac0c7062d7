"""Relay: the table's changes become events on the bus. `EVENTS` is its table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cv_contracts.events import Event

from cv_processor.application.errors import cause
from cv_processor.application.wire.publication import completed_event, erased_event
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.erasure import Erased

if TYPE_CHECKING:
    from cv_processor.application.ports import EventBus


@dataclass(frozen=True, slots=True)
class CorrelationChanged:
    """A correlation before and after one write."""

    before: Correlation | None
    after: Correlation


@dataclass(frozen=True, slots=True)
class WasErased:
    """An erasure is complete in this service."""

    erasure: Erased


@dataclass(frozen=True, slots=True)
class OrphanRetired:
    """The retention of a response ended and its query never came."""

    request_id: str


Change = CorrelationChanged | WasErased | OrphanRetired


@dataclass(frozen=True, slots=True)
class Record:
    """A stream record; `change` is `None` for what concerns nobody outside."""

    sequence_number: str
    change: Change | None


@dataclass(slots=True)
class RelayReport:
    """What became of a batch. `failed` (sequence number → error code) is delivered again."""

    received: int
    published: int = 0
    orphans: int = 0
    requests: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _completed(change: CorrelationChanged) -> Event | None:
    before = change.before.revision if change.before else 0
    return completed_event(change.after) if change.after.revision > before else None


def _erased(change: WasErased) -> Event | None:
    return erased_event(change.erasure)


EVENTS: Mapping[type[Change], Callable[..., Event | None]] = {
    CorrelationChanged: _completed,
    WasErased: _erased,
}


def relay(
    bus: EventBus, bus_name: str, records: Sequence[Record], *, undecodable: Mapping[str, str]
) -> RelayReport:
    """Publish what the records tell. `undecodable` (sequence number → reason) counts as failed."""
    report = RelayReport(received=len(records) + len(undecodable))
    report.failed.update(undecodable)
    report.orphans = sum(isinstance(record.change, OrphanRetired) for record in records)
    entries = {}
    for record in records:
        try:
            event = event_of(record.change)
        except ValueError as error:  # not as the contract has it; the others go on
            report.failed[record.sequence_number] = cause(error)
        else:
            if event is not None:
                entries[record.sequence_number] = event.to_entry(bus_name)
                report.requests.append(event.subject)
    sequence_numbers = list(entries)
    refused = bus.publish(list(entries.values())) if entries else {}
    report.failed.update({sequence_numbers[index]: code for index, code in refused.items()})
    report.published = len(entries) - len(refused)
    return report


def event_of(change: Change | None) -> Event | None:
    """The event that a change calls for, if any."""
    make = EVENTS.get(type(change)) if change is not None else None
    return make(change) if make else None
