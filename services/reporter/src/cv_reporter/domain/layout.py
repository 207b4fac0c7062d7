"""The layout rules that are stored with the data, and how a change of them goes on.

A change of the settings changes nothing by itself. It becomes a new generation: facts are written
to both (`announced`), the old ones are copied, readers change over in one write (`switched`), and
then the former generation's rows are removed (`swept`). docs/decisions/0031 has the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from cv_reporter.domain.fact import Placement

LEEWAY_DAYS = 1
"""Days within the retention that a new generation gets as counts only. A re-projection must end
before their facts expire."""
ZONES_APART_DAYS = 2
"""No two zones' calendars are further apart: UTC+14 and UTC-12 are 26 hours."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is stored: `current` is read; a re-projection fills `next`; `old` is being removed.

    `newest` is the highest number that a generation ever had: none is used twice. `version` counts
    the writes of the item, 0 = it is not stored yet.
    """

    current: Placement
    next: Placement | None = None
    old: Placement | None = None
    newest: int = 1
    version: int = 0

    @property
    def written(self) -> tuple[Placement, ...]:
        """Where facts are written, in this order.

        The current one last: what it has, the next one has too.
        """
        return (self.next, self.current) if self.next else (self.current,)

    @property
    def present(self) -> tuple[Placement, ...]:
        """Every generation that has rows."""
        return (*self.written, self.old) if self.old else self.written

    def stored(self) -> Layout:
        """As it is before the first fact is written."""
        return replace(self, version=1)

    def announced(self, wish: Placement, oldest_whole_day: date) -> Layout:
        """A re-projection begins. `oldest_whole_day` has no fact past the retention yet."""
        counted_from = max(oldest_whole_day + timedelta(days=LEEWAY_DAYS), self.current.first_day)
        following = wish._replace(
            generation=self.newest + 1,
            first_day=counted_from + timedelta(days=ZONES_APART_DAYS),
        )
        return replace(self, next=following, newest=following.generation, version=self.version + 1)

    def switched(self) -> Layout:
        """Readers read the next generation; the current one is to be removed."""
        if self.next is None:
            raise ValueError("there is no generation to switch to")
        return replace(
            self, current=self.next, next=None, old=self.current, version=self.version + 1
        )

    def cancelled(self) -> Layout:
        """The next generation is given up, and to be removed."""
        return replace(self, next=None, old=self.next, version=self.version + 1)

    def swept(self) -> Layout:
        """What was to be removed is gone."""
        return replace(self, old=None, version=self.version + 1)


def first_copied_day(following: Placement) -> date:
    """The first day, on the calendar of the generation before, whose facts are read for this one.

    Facts from it on are copied, or counted if their new day is before the first one with facts; of
    days before it the summaries are taken. It is so early that every fact of `first_day` is read,
    in whatever two zones.
    """
    return following.first_day - timedelta(days=ZONES_APART_DAYS)


def remark(layout: Layout, wish: Placement) -> str:
    """What an owner has to know about settings that are not followed; empty if they are."""
    if layout.next:
        return (
            f"{_lies(layout.current)} A re-projection to {described(layout.next)} is not finished:"
        )
    if layout.current.rules == wish.rules:
        return ""
    return f"{_lies(layout.current)} The setting says {described(wish)}:"


def _lies(placement: Placement) -> str:
    return f"Days are counted in {described(placement)}."


def described(placement: Placement) -> str:
    """A layout's rules in words."""
    shards = "1 shard" if placement.shards == 1 else f"{placement.shards} shards"
    return f"{placement.time_zone} ({shards})"
