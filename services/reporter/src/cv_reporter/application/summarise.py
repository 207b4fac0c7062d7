"""Recompute a day's summary from its facts, whoever else does the same meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cv_reporter.application.ports import FactStore, Partition, SummaryStore
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import summarise

ATTEMPTS = 2
"""Refused once, the summary may be of older facts. Refused again, it is not: who wrote the second
one had read the first one's version, and then the facts, after this began."""


@dataclass(frozen=True, slots=True)
class Summariser:
    """Recomputes day summaries from their facts."""

    facts: FactStore
    summaries: SummaryStore
    placement: Placement
    policy: Policy

    creates: bool = True
    """Whether a summary may be made that is not there: not of a generation that is removed."""

    def refresh(self, partition: Partition) -> None:
        """Recompute one summary, or leave it to others who do so at the same time.

        A day that is only counted here has no facts to recompute it from, and stays as it is.

        The version is read before the facts, so a summary made of older facts is never written
        over one made of newer.
        """
        if partition.day < self.placement.first_day:
            return
        for _ in range(ATTEMPTS):
            seen = self.summaries.version(partition)
            if not (seen or self.creates):
                return
            facts = self.facts.of(partition)
            summary = summarise(facts, partition.day, self.placement.time_zone, self.policy)
            if self.summaries.put(partition, summary, seen):
                return

    def refresh_all(self, partitions: Iterable[Partition]) -> None:
        """Recompute several summaries, each once."""
        for partition in sorted(set(partitions)):
            self.refresh(partition)
