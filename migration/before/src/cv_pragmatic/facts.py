"""The Reporter's questions, as its own facts. Its summaries come with today's functions, later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.table import Table
from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Fact, Placement

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of the Reporter's table."""

    store: DynamoFactStore
    table: Table
    placement: Placement

    def between(self, first: date, last: date) -> Iterator[Fact]:
        """Those of some local days."""
        day = first
        while day <= last:
            for shard in range(self.placement.shards):
                yield from self.store.of(Partition(day, shard))
            day += ONE_DAY

    def first_day(self) -> date | None:
        """The earliest day with a question, by a scan of the whole table."""
        pages = self.table.client.get_paginator("scan").paginate(
            TableName=self.table.name,
            ProjectionExpression="pk",
            FilterExpression="begins_with(pk, :day)",
            ExpressionAttributeValues={":day": {"S": "DAY#"}},
        )
        days = (item["pk"]["S"].split("#")[1] for page in pages for item in page["Items"])
        earliest = min(days, default=None)
        return date.fromisoformat(earliest) if earliest else None
