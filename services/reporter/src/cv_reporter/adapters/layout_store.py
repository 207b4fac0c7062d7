"""The stored layout, and the rows of a generation, in DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from cv_reporter.adapters.items import generation_of
from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Placement, place_of
from cv_reporter.domain.layout import Layout

KEY = "LAYOUT", "REPORTER"
"""The Processor's has another sort key: a table that both share (`migration/`) has both."""
SWEPT_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class DynamoLayout:
    """One item, written only on the version that was read."""

    table: Table

    def read(self) -> Layout | None:
        """The stored layout; `None` before the first fact."""
        item = self.table.get(*KEY)
        return _layout(item) if item else None

    def put(self, layout: Layout) -> bool:
        """Store a layout in place of the version before it; `False` if another is there."""
        item = _item(layout)
        if layout.version == 1:
            return self.table.put_if(item, "attribute_not_exists(pk)")
        seen = {":seen": number(layout.version - 1)}
        return self.table.put_if(item, "version = :seen", seen)


@dataclass(frozen=True, slots=True)
class DynamoGenerations:
    """The rows of each generation, found by reading the keys of the whole table."""

    table: Table

    def partitions(self, generation: int) -> list[Partition]:
        """The days and shards that have facts."""
        places = {place_of(pk) for pk, _ in self._keys(generation) if pk.startswith("DAY#")}
        return sorted(Partition(place.day, place.shard) for place in places)

    def sweep(self, generation: int) -> Iterator[int]:
        """Remove every row of a generation; gives how many are gone so far.

        Summaries first: the stream's reader then recomputes none of them as the facts go.
        """
        gone = 0
        for prefix in ("SUMMARY#", "DAY#", "LOCATOR#"):
            keys = (at for at in self._keys(generation) if at[0].startswith(prefix))
            while chunk := list(islice(keys, SWEPT_AT_ONCE)):
                self.table.batch_delete(chunk)
                gone += len(chunk)
                yield gone

    def _keys(self, generation: int) -> Iterator[tuple[str, str]]:
        items = self.table.scan(ConsistentRead=True, ProjectionExpression="pk, sk")
        keys = ((string(item, "pk"), string(item, "sk")) for item in items)
        return (at for at in keys if generation_of(*at) == generation)


def _item(layout: Layout) -> Item:
    item: Item = {
        **key(*KEY),
        "kind": text("LAYOUT"),
        "version": number(layout.version),
        "newest": number(layout.newest),
        "current": _map(layout.current),
    }
    if layout.next:
        item["next"] = _map(layout.next)
    if layout.old:
        item["old"] = _map(layout.old)
    return item


def _map(placement: Placement) -> dict[str, Any]:
    return {
        "M": {
            "timeZone": text(placement.time_zone),
            "shards": number(placement.shards),
            "generation": number(placement.generation),
            "firstDay": text(placement.first_day.isoformat()),
        }
    }


def _layout(item: Item) -> Layout:
    return Layout(
        current=_placement(item["current"]["M"]),
        next=_placement(item["next"]["M"]) if "next" in item else None,
        old=_placement(item["old"]["M"]) if "old" in item else None,
        newest=integer(item, "newest"),
        version=integer(item, "version"),
    )


def _placement(item: Item) -> Placement:
    return Placement(
        time_zone=string(item, "timeZone"),
        shards=integer(item, "shards"),
        generation=integer(item, "generation"),
        first_day=date.fromisoformat(string(item, "firstDay")),
    )
