"""Days and shards: where a correlation stands in the day index."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from cv_processor.domain.correlation import Query

REVISION_ROOM = 1_000
"""The day index sorts by `asked at × 1000 + revision`: keys alone then give a day's digest."""


def utc_day(at: int) -> date:
    """The UTC day of a time in milliseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).date()


def day_key(day: date, shard: int) -> str:
    """The partition of the day index."""
    return f"DAY#{day.isoformat()}#{shard}"


def shard_of(session_id: str | None, shards: int) -> int:
    """The shard of a session: its questions stay together, other sessions spread."""
    if shards <= 1:
        return 0
    return int.from_bytes(sha256((session_id or "").encode()).digest()[:8]) % shards


def asked_day(query: Query, shards: int) -> str:
    """The day partition of a question."""
    return day_key(utc_day(query.at), shard_of(query.session_id, shards))


def order_of(at: int, revision: int = 0) -> int:
    """The sort key of the indexes."""
    return at * REVISION_ROOM + revision


def revision_of(order: int) -> int:
    """The revision that a sort key of the day index carries."""
    return order % REVISION_ROOM
