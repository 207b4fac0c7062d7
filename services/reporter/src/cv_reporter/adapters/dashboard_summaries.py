"""Day summaries kept in memory from one page to the next; what was written since is read anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from cv_reporter.adapters.summary_store import DynamoSummaryStore
from cv_reporter.application.ports import Partition
from cv_reporter.domain.summary import Summary

KEPT = 200
"""A quarter beside the quarter before; a large summary takes some 300 KB of memory."""


@dataclass(slots=True)
class RememberedSummaries:
    """Asks the table for versions only. An unchanged summary stays the very same object, which
    lets what was folded from it be used again; an erased question leaves with its day's version."""

    store: DynamoSummaryStore
    _known: dict[Partition, tuple[int, Summary]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def between(self, first: date, last: date) -> dict[Partition, Summary]:
        """The summaries of all shards of these days."""
        versions = self.store.versions(first, last)
        with self._lock:
            known = {at: self._known[at] for at in versions if at in self._known}
        stale = [
            at for at, version in versions.items() if at not in known or known[at][0] < version
        ]
        known |= self.store.at(stale)
        with self._lock:
            self._remember(known)
        return {at: known[at][1] for at in versions if at in known}

    def first_day(self) -> date | None:
        """The earliest summarised day."""
        return self.store.first_day()

    def _remember(self, fresh: dict[Partition, tuple[int, Summary]]) -> None:
        """Keep what was used last; a day that is gone from the table is not kept for long."""
        for at in fresh:
            self._known.pop(at, None)
        self._known |= fresh
        for at in list(self._known)[: max(0, len(self._known) - KEPT)]:
            del self._known[at]
