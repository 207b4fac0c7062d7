"""What every event of the Reporter has: a fixed id, and times as the contracts write them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

EVENT_IDS = UUID("6f0d3a52-3d9e-5d2b-9a3e-0f2a6c1b7e11")


def event_id(detail_type: str, subject: str) -> UUID:
    """The id of the one event of that type about a subject."""
    return uuid5(EVENT_IDS, f"{detail_type}/{subject}")


def iso_millis(at_ms: int) -> str:
    """UTC milliseconds as RFC 3339 with milliseconds and `Z`."""
    seconds, millis = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"
