"""Times as the contracts write them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_millis(at_ms: int) -> str:
    """UTC milliseconds as RFC 3339 with milliseconds and `Z`."""
    seconds, millis = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"
