"""Republish: events once more, from the table. Same state, same ids, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from cv_processor.application.queries import orders_of_day
from cv_processor.application.wire.publication import completed_event, erased_event
from cv_processor.domain.days import Layout
from cv_processor.domain.erasure import Erased

if TYPE_CHECKING:
    from cv_processor.application.ports import CorrelationReader, EventBus

CHUNK = 100
ERASURES = "erasures"

One = TypeVar("One")


class UnconfirmedErasures(Protocol):
    """Erasures that the other services have not counted yet."""

    def unconfirmed(self) -> Iterable[Erased]:
        """Those that are done here and confirmed by nobody, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Republished:
    """What became of a UTC day (`2025-11-03`), or of the `erasures`."""

    what: str
    published: int
    refused: int


@dataclass(frozen=True, slots=True)
class Republication:
    """Puts on the bus again what a stream may have lost."""

    correlations: CorrelationReader
    erasures: UnconfirmedErasures
    bus: EventBus
    bus_name: str
    layout: Callable[[], Layout]

    def days(self, first: date, last: date) -> Iterator[Republished]:
        """Every closed correlation of these UTC days, a day at a time; then the erasures."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield self._publish(str(day), self._found(day))
        yield self._publish(ERASURES, self._told_again())

    def _found(self, day: date) -> Iterator[list[Mapping[str, str]]]:
        for chunk in _chunks(orders_of_day(self.correlations, day, self.layout()), CHUNK):
            found = self.correlations.get_many(chunk).values()
            closed = (each for each in found if each.closed)
            yield [completed_event(each).to_entry(self.bus_name) for each in closed]

    def _told_again(self) -> Iterator[list[Mapping[str, str]]]:
        for chunk in _chunks(self.erasures.unconfirmed(), CHUNK):
            yield [erased_event(each).to_entry(self.bus_name) for each in chunk]

    def _publish(self, what: str, chunks: Iterable[Sequence[Mapping[str, str]]]) -> Republished:
        published = refused = 0
        for entries in chunks:
            failed = len(self.bus.publish(entries)) if entries else 0
            published += len(entries) - failed
            refused += failed
        return Republished(what, published, refused)


def _chunks(items: Iterable[One], size: int) -> Iterator[list[One]]:
    """As `itertools.batched` of later Pythons."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
