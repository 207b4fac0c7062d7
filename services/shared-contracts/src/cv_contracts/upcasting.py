"""Old majors at the reader's edge: an event of an older major becomes one of the present, or fails.

A new major is a new event class. Consumers are written for the newest only; a chain of upcasters,
each from one class to the next, leads older ones there. The rules for both are in `patterns`.

>>> from cv_contracts.events import SessionErased
>>> edge = Upcasting(SessionErased)
>>> edge.patterns()
[{'source': ['cv-analytics.processor'], 'detail-type': ['SessionErased']}]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from cv_contracts._bus import BusEvent
from cv_contracts.errors import UnknownVersionError

Newest = TypeVar("Newest", bound=BusEvent)


@dataclass(frozen=True)
class Upcasting(Generic[Newest]):
    """Reads the newest class, and older ones by their steps: class → function to the next class."""

    newest: type[Newest]
    steps: Mapping[type[BusEvent], Callable[[Any], BusEvent]] = field(default_factory=dict)

    def patterns(self) -> list[dict[str, list[str]]]:
        """The rules of a consumer: the newest event first, then each older one."""
        return [event.event_pattern() for event in self._events()]

    def from_event(self, event: dict[str, Any]) -> Newest:
        """Read what EventBridge delivered and lead it to the newest class.

        Raises `UnknownVersionError` for an event that no step leads on from, and pydantic's
        `ValidationError` for one that is not what its name says.
        """
        known = {one.DETAIL_TYPE: one for one in self._events()}
        name = event["detail-type"]
        if name not in known:
            raise UnknownVersionError(f"no upcaster leads on from this event to {self.newest}")
        current: BusEvent = known[name].from_event(event)
        while not isinstance(current, self.newest):
            current = self._step(current)
        return current

    def _events(self) -> tuple[type[BusEvent], ...]:
        return (self.newest, *self.steps)

    def _step(self, event: BusEvent) -> BusEvent:
        step = self.steps.get(type(event))
        if step is None:
            raise UnknownVersionError(f"no upcaster from {type(event).__name__}")
        return step(event)
