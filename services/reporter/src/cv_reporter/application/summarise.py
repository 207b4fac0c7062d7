"""Recompute a day's summary from its facts, whoever else does the same meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cv_reporter.application.ports import FactStore, Partition, SummaryStore
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import summarise

MAX_ATTEMPTS = 8


class ContendedError(Exception):
    """Others kept writing the same summary; nothing is lost, try again."""


@dataclass(frozen=True, slots=True)
class Summariser:
    """Recomputes day summaries from their facts."""

    facts: FactStore
    summaries: SummaryStore
    time_zone: str
    policy: Policy

    def refresh(self, partition: Partition) -> None:
        """Recompute one summary. Raises `ContendedError`.

        The version is read before the facts, so a summary made of older facts is never written
        over one made of newer.
        """
        for _ in range(MAX_ATTEMPTS):
            seen = self.summaries.version(partition)
            facts = self.facts.of(partition)
            summary = summarise(facts, partition.day, self.time_zone, self.policy)
            if self.summaries.put(partition, summary, seen):
                return
        raise ContendedError(f"summary of {partition.day} shard {partition.shard}")

    def refresh_all(self, partitions: Iterable[Partition]) -> None:
        """Recompute several summaries, each once."""
        for partition in sorted(set(partitions)):
            self.refresh(partition)
