"""Days and shards: where a correlation stands in the day index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Self

from cv_processor.domain.correlation import Query

REVISION_ROOM = 1_000
"""The day index sorts by `asked at × 1000 + revision`: keys alone then give a day's digest."""
LAYOUT_SECONDS = 30
"""How old a container's knowledge of the layout may be."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Into how many shards the days of the index are split: stored with the data.

    Writers use `shards`, readers look at `widest`. `moving` says that entries may change their
    shard right now. `version` counts the writes of the layout, 0 while it is not stored.
    """

    shards: int
    widest: int
    moving: bool = False
    version: int = field(default=0, compare=False)

    @classmethod
    def of(cls, shards: int) -> Self:
        """The layout of a table whose entries were all written in so many shards."""
        return cls(shards, shards)

    @property
    def settled(self) -> bool:
        """Whether every entry is where writers put it."""
        return not self.moving and self.shards == self.widest

    @property
    def reading(self) -> Sequence[int]:
        """The shards to look at, in order.

        Each twice while entries move: one that moves from a shard that was not read yet to one
        that was read already is in neither of them for a reader that looks once.
        """
        return [*range(self.widest)] * (2 if self.moving else 1)

    def announced(self, shards: int) -> Layout:
        """The first step to so many shards: readers look at all of them, writers change nothing."""
        return replace(self, widest=max(self.widest, shards), moving=True)

    def adopted(self, shards: int) -> Layout:
        """The second step: writers use them."""
        return replace(self.announced(shards), shards=shards)

    def finished(self) -> Layout:
        """The last step, once every entry is where writers put it."""
        return replace(self, widest=self.shards, moving=False)


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
