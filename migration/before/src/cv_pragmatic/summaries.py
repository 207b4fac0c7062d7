"""Day summaries that are made whenever somebody asks: the Reporter's port, as a report reads it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from cv_processor.adapters.correlation_store import CorrelationTable
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.table import Table
from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import Summary, summarise

from cv_pragmatic.facts import Facts
from cv_pragmatic.rows import Rows


class Questions(Protocol):
    """Where the questions are."""

    def between(self, first: date, last: date) -> Iterator[Fact]:
        """Those of some local days."""

    def first_day(self) -> date | None:
        """The earliest day with one."""


@dataclass(frozen=True, slots=True)
class MadeSummaries:
    """The Reporter's port `SummaryStore`, as far as a report reads it."""

    questions: Questions
    placement: Placement
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
        for fact in self.questions.between(first, last):
            days[Partition(self.placement.day(fact), self.placement.shard(fact))].append(fact)
        zone = self.placement.time_zone
        return {at: summarise(facts, at.day, zone, self.policy) for at, facts in days.items()}

    def asked(self, first: date, last: date) -> frozenset[str]:
        """The names of the skills that visitors asked about on these days."""
        summaries = self.between(first, last).values()
        return frozenset(name for summary in summaries for name in summary.visitors.skills)

    def first_day(self) -> date | None:
        """The earliest day with a question."""
        return self.questions.first_day()

    def version(self, partition: Partition) -> int:
        """No summary is ever kept."""
        raise NotImplementedError

    def put(self, partition: Partition, summary: Summary, seen_version: int) -> bool:
        """No summary is ever kept."""
        raise NotImplementedError


def made_summaries(given: Any) -> MadeSummaries:
    """Those for the Reporter's `Services`.

    `QUESTIONS` says of what: `rows:TABLE` of the Processor, or `facts:TABLE` of the Reporter.
    Without it, of the rows in the table that both services share.
    """
    settings = given.settings
    source = os.environ.get("QUESTIONS", f"rows:{settings.table_name}")
    kind, _, name = source.partition(":")
    dynamodb = given.client("dynamodb")
    questions: Questions
    if kind == "facts":
        table = Table(dynamodb, name)
        store = DynamoFactStore(table, given.placement, settings.retention_days)
        questions = Facts(store, table, given.placement)
    else:
        rows = CorrelationTable(
            dynamodb, name, now=lambda: given.now_ms() / 1_000, shards=lambda: settings.shards
        )
        questions = Rows(rows, given.placement, given.audience)
    return MadeSummaries(questions, given.placement, given.policy)
