"""The Reporter's bus: what the outbox holds becomes events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cv_contracts.publish import publish

from cv_reporter.adapters.aws import translated
from cv_reporter.application.ports import OutboxEvent


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """The Reporter's own bus."""

    client: Any
    name: str

    def publish(self, events: Sequence[OutboxEvent]) -> set[int]:
        """Publish events; returns the places of those that were refused."""
        entries = [
            {
                "EventBusName": self.name,
                "Source": event.source,
                "DetailType": event.detail_type,
                "Detail": event.detail,
            }
            for event in events
        ]
        with translated():
            return {failed.index for failed in publish(self.client.put_events, entries)}
