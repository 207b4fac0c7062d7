"""Day summaries in DynamoDB: a shard's days are one partition, so a period is one query a shard.

Which summaries there are, and how often each was written, also stands in the `lookup` index: a
query on the table pays for, and pages by, whole items, whatever it projects; an entry of the index
is some hundred bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pydantic_core import from_json

from cv_reporter.adapters.items import summaries_key
from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.summary import Summary
from cv_reporter.domain.summary_document import fitted, loads

VERSIONS = 10**9
"""An index entry's `askedAt` is the day's ordinal × 10⁹ + the version, so days sort in time."""


@dataclass(frozen=True, slots=True)
class DynamoSummaryStore:
    """One item per day and shard."""

    table: Table
    placement: Placement

    def version(self, at: Partition) -> int:
        """How often the summary was written."""
        item = self.table.call(
            "get_item",
            Key=key(self._partition(at.shard), at.day.isoformat()),
            ConsistentRead=True,
            ProjectionExpression="version",
        ).get("Item", {})
        return integer(item, "version")

    def put(self, at: Partition, summary: Summary, seen_version: int) -> bool:
        """Store the summary if nobody did since its version was read."""
        asked = sorted(summary.visitors.skills)
        item: Item = {
            **key(self._partition(at.shard), at.day.isoformat()),
            "kind": text("SUMMARY"),
            "version": number(seen_version + 1),
            "lookup": text(self._partition(at.shard)),
            "askedAt": number(at.day.toordinal() * VERSIONS + seen_version + 1),
            "data": text(fitted(summary)),
        }
        if asked:
            item["asked"] = {"SS": asked}
        if seen_version == 0:
            return self.table.put_if(item, "attribute_not_exists(pk)")
        return self.table.put_if(item, "version = :seen", {":seen": number(seen_version)})

    def between(
        self, first: date, last: date, *, quotes_from: date | None = None
    ) -> dict[Partition, Summary]:
        """The summaries of these days, of those before `quotes_from` counts alone."""
        days = first.isoformat(), last.isoformat()
        quoted = (quotes_from or first).isoformat()
        return {
            Partition(date.fromisoformat(day), shard): _summary(item, quotes=day >= quoted)
            for shard in range(self.placement.shards)
            for item in self.table.query(self._partition(shard), between=days)
            for day in (string(item, "sk"),)
        }

    def asked(self, first: date, last: date) -> frozenset[str]:
        """The names of all skills of these days, also of those that a summary left out."""
        return frozenset(
            name
            for shard in range(self.placement.shards)
            for item in self.table.query(
                self._partition(shard),
                between=(first.isoformat(), last.isoformat()),
                ProjectionExpression="asked",
            )
            for name in item.get("asked", {}).get("SS", ())
        )

    def versions(self, first: date, last: date) -> dict[Partition, int]:
        """How often each summary of these days was written, as the index knows it by now."""
        days = first.toordinal() * VERSIONS, (last.toordinal() + 1) * VERSIONS - 1
        return {
            Partition(day, shard): version
            for shard in range(self.placement.shards)
            for day, version in map(_entry, self.table.lookup(self._partition(shard), between=days))
        }

    def at(self, places: Iterable[Partition]) -> dict[Partition, tuple[int, Summary]]:
        """Single summaries with their versions."""
        wanted = {(self._partition(at.shard), at.day.isoformat()): at for at in places}
        return {
            wanted[key_]: (integer(item, "version"), _summary(item))
            for key_, item in self.table.batch_get(wanted).items()
        }

    def first_day(self) -> date | None:
        """The earliest summarised day."""
        days = [
            _entry(item)[0]
            for shard in range(self.placement.shards)
            for item in self.table.lookup(self._partition(shard), Limit=1)
        ]
        return min(days, default=None)

    def _partition(self, shard: int) -> str:
        return summaries_key(shard, self.placement.generation)


def _summary(item: Item, *, quotes: bool = True) -> Summary:
    """A row's summary. pydantic's parser takes two thirds of the time of the standard library's."""
    return loads(string(item, "data"), quotes=quotes, parse=from_json)


def _entry(item: Item) -> tuple[date, int]:
    """The day and the version of an index entry."""
    day, version = divmod(integer(item, "askedAt"), VERSIONS)
    return date.fromordinal(day), version
