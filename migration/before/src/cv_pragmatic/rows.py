"""The Reporter's day summaries, made of the Processor's rows whenever somebody asks.

This is the coupling: it imports another service's private modules, knows its keys and its index,
and breaks when the Processor changes how it stores a question.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cv_processor.adapters.correlation_store import DAY_INDEX, CorrelationTable
from cv_processor.application.wire.publication import published
from cv_reporter.application.ports import Partition
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import Summary, summarise

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RowSummaries:
    """The Reporter's port `SummaryStore`, as far as a report reads it, over the shared table."""

    correlations: CorrelationTable
    placement: Placement
    audience: AudienceRules
    policy: Policy

    def between(
        self,
        first: date,
        last: date,
        *,
        quotes_from: date | None = None,  # noqa: ARG002 (every summary is made whole)
    ) -> dict[Partition, Summary]:
        """The summaries of these local days."""
        days: dict[Partition, list[Fact]] = defaultdict(list)
        for fact in self._facts(first, last):
            days[Partition(self.placement.day(fact), self.placement.shard(fact))].append(fact)
        zone = self.placement.time_zone
        return {at: summarise(facts, at.day, zone, self.policy) for at, facts in days.items()}

    def asked(self, first: date, last: date) -> frozenset[str]:
        """The names of the skills that visitors asked about on these days."""
        found = self.between(first, last).values()
        return frozenset(name for summary in found for name in summary.visitors.skills)

    def first_day(self) -> date | None:
        """The earliest day with a question, by a scan of the whole index."""
        table = self.correlations
        pages = table.dynamodb.get_paginator("scan").paginate(
            TableName=table.name, IndexName=DAY_INDEX, ProjectionExpression="closedDay"
        )
        days = (item["closedDay"]["S"].split("#")[1] for page in pages for item in page["Items"])
        earliest = min(days, default=None)
        return date.fromisoformat(earliest) if earliest else None

    def version(self, partition: Partition) -> int:
        """No summary is ever kept."""
        raise NotImplementedError

    def put(self, partition: Partition, summary: Summary, seen_version: int) -> bool:
        """No summary is ever kept."""
        raise NotImplementedError

    def _facts(self, first: date, last: date) -> Iterator[Fact]:
        """The questions of some local days; the rows are indexed by UTC day, a day more or less."""
        day = first - ONE_DAY
        while day <= last + ONE_DAY:
            for fact in self._of_utc_day(day):
                if first <= self.placement.day(fact) <= last:
                    yield fact
            day += ONE_DAY

    def _of_utc_day(self, day: date) -> Iterator[Fact]:
        for shard in range(self.correlations.shards):
            ids = [entry.request_id for entry in self.correlations.day(day, shard)]
            for found in self.correlations.get_many(ids).values():
                yield to_fact(published(found), self.audience)


def row_summaries(given: Any) -> RowSummaries:
    """The store for the Reporter's `Services`.

    The rows are in the table that both services share, or in the one that `ROWS_TABLE` names.
    """
    settings = given.settings
    table = CorrelationTable(
        given.client("dynamodb"),
        os.environ.get("ROWS_TABLE", settings.table_name),
        now=lambda: given.now_ms() / 1_000,
        shards=settings.shards,
    )
    return RowSummaries(table, given.placement, given.audience, given.policy)
