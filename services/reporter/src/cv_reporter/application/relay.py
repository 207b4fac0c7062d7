"""Carry the outbox's new items from the table's stream to the bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cv_reporter.application.ports import Bus, OutboxEvent


@dataclass(frozen=True, slots=True)
class Relay:
    """Publishes outbox events. Their ids are fixed, so publishing one twice is harmless."""

    bus: Bus

    def relay(self, events: Mapping[str, OutboxEvent]) -> list[str]:
        """Publish events by sequence number; returns the numbers of those that were refused."""
        refused = self.bus.publish(list(events.values()))
        return [number for place, number in enumerate(events) if place in refused]
