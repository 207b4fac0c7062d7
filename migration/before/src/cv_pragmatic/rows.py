"""The Reporter's questions, made of the Processor's rows.

This is the coupling: it imports another service's private modules, knows its keys and its index,
and breaks when the Processor changes how it stores a question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from cv_processor.adapters.correlation_store import DAY_INDEX, CorrelationTable
from cv_processor.application.wire.publication import published
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.domain.fact import Fact, Placement

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """The closed questions of a table of the Processor."""

    correlations: CorrelationTable
    placement: Placement
    audience: AudienceRules

    def between(self, first: date, last: date) -> Iterator[Fact]:
        """Those of some local days; the rows are indexed by UTC day, a day more or less."""
        day = first - ONE_DAY
        while day <= last + ONE_DAY:
            for fact in self._of_utc_day(day):
                if first <= self.placement.day(fact) <= last:
                    yield fact
            day += ONE_DAY

    def first_day(self) -> date | None:
        """The earliest day with a question, by a scan of the whole index."""
        table = self.correlations
        pages = table.dynamodb.get_paginator("scan").paginate(
            TableName=table.name,
            IndexName=DAY_INDEX,
            ProjectionExpression="closedDay",
            FilterExpression="begins_with(closedDay, :day)",
            ExpressionAttributeValues={":day": {"S": "DAY#"}},
        )
        days = (item["closedDay"]["S"].split("#")[1] for page in pages for item in page["Items"])
        earliest = min(days, default=None)
        return date.fromisoformat(earliest) if earliest else None

    def _of_utc_day(self, day: date) -> Iterator[Fact]:
        for shard in range(self.correlations.shards()):
            ids = [entry.request_id for entry in self.correlations.day(day, shard)]
            for row in self.correlations.get_many(ids).values():
                yield to_fact(published(row), self.audience)
