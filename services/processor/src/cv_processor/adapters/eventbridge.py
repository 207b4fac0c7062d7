"""The Processor's own bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cv_contracts.publish import publish

from cv_processor.adapters.aws import translated


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """EventBridge, with every refused entry reported."""

    events: Any

    def publish(self, entries: Sequence[Mapping[str, str]]) -> Mapping[int, str]:
        """Put entries on the bus; returns the error code of each that was refused, by its index."""
        with translated():
            return {
                failed.index: failed.code for failed in publish(self.events.put_events, entries)
            }
