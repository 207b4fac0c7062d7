"""Compare days with the Processor's, and fetch what is missing or stale here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nlargest
from typing import Protocol

from cv_contracts.digest import day_digest

from cv_reporter.application.ports import (
    Clock,
    ComparedDay,
    Comparisons,
    LastComparison,
    Partition,
    Processor,
    ProcessorError,
)
from cv_reporter.application.summarise import Summariser
from cv_reporter.domain.calendar import local_days, utc_day
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.report import Comparison

BATCH = 100
KEPT_DAYS = 60

Progress = Callable[[str], None]


class Facts(Protocol):
    """The facts, as readers see them, and where they are written."""

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact; says for each why it could not be written."""
        ...

    def of(self, partition: Partition) -> list[Fact]:
        """The facts of a day and shard in order, read consistently."""
        ...


class TooSlowError(Exception):
    """The time that a comparison may take is over."""


def _silent(_: str) -> None:
    """No progress wanted."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Finds and heals the gaps that lost events leave.

    It compares UTC days, as the Processor counts them; a local day overlaps two of those.
    """

    facts: Facts
    processor: Processor
    summariser: Summariser
    placement: Placement
    clock: Clock
    comparisons: Comparisons

    def reconcile(
        self, days: Sequence[date], *, within_ms: int, progress: Progress = _silent
    ) -> Comparison:
        """Compare UTC days for at most `within_ms`; what is not compared is said, not hidden.

        What was found is kept too: Monday's report and the dashboard tell of it. Days that were
        compared before stay known, for a report on demand must not take from the night's.
        """
        began = self.clock()
        ends = began + within_ms
        healed = Counter[date]()
        done: list[date] = []
        problem = None
        try:
            for day in self._compared(days, ends, healed):
                done.append(day)
                progress(f"{day} compared")
        except TooSlowError:
            problem = "the Processor was too slow"
        except ProcessorError as error:
            problem = f"the Processor did not answer: {error}"
        comparison = Comparison(len(days), len(done), healed.total(), problem)
        compared = {day: ComparedDay(began, healed[day]) for day in done}
        self.comparisons.put(LastComparison(comparison, self.clock(), self._lately(compared)))
        return comparison

    def _lately(self, compared: Mapping[date, ComparedDay]) -> dict[date, ComparedDay]:
        """These days and those that other runs got through, the latest `KEPT_DAYS` of them."""
        last = self.comparisons.last()
        known = {**(last.days if last else {}), **compared}
        return dict(nlargest(KEPT_DAYS, known.items(), key=lambda item: (item[1].at, item[0])))

    def _compared(self, days: Sequence[date], ends: int, healed: Counter[date]) -> Iterator[date]:
        """Compare day by day, and count what was healed of each, also of one that broke off."""
        read: dict[Partition, list[Fact]] = {}
        for day in days:
            for n in self._healed(day, ends, read):
                healed[day] += n
            yield day

    def _healed(self, day: date, ends: int, read: dict[Partition, list[Fact]]) -> Iterator[int]:
        """Heal one day, batch by batch; gives how many facts of each were missing or stale."""
        self._hurry(ends)
        ours = {fact.request_id: fact.revision for fact in self._known(day, read)}
        theirs = self.processor.day(day)
        if theirs.digest == day_digest(ours.items()):
            return
        healed: set[Partition] = set()
        try:
            for batch in batches(self._in_time(self.processor.facts(day), ends), BATCH):
                stale = [f for f in batch if self._lacks(f, ours)]
                yield self._heal(stale, healed)
        finally:
            # Once for all batches: a refresh reads the whole day.
            self.summariser.refresh_all(healed)

    def _lacks(self, fact: Fact, ours: Mapping[str, int]) -> bool:
        """Whether it is missing or stale here; of a day that is only counted, no fact is missed."""
        return self.placement.has_row(fact) and ours.get(fact.request_id, 0) < fact.revision

    def _in_time(self, facts: Iterable[Fact], ends: int) -> Iterator[Fact]:
        """The facts until time is up: a long day comes in many pages, each of which may be slow."""
        for fact in facts:
            yield fact
            self._hurry(ends)

    def _hurry(self, ends: int) -> None:
        if self.clock() >= ends:
            raise TooSlowError

    def _known(self, day: date, read: dict[Partition, list[Fact]]) -> list[Fact]:
        """Our facts of a UTC day, from the local days that it overlaps.

        Two UTC days share a local day, so `read` keeps those of the day before; what was healed
        since is of that other UTC day, and does not count here.
        """
        wanted = [
            Partition(local_day, shard)
            for local_day in local_days(day, self.placement.time_zone)
            for shard in range(self.placement.shards)
        ]
        known = {at: read[at] if at in read else self.facts.of(at) for at in wanted}
        read.clear()
        read.update(known)
        return [fact for each in known.values() for fact in each if utc_day(fact.asked_at) == day]

    def _heal(self, facts: Sequence[Fact], healed: set[Partition]) -> int:
        """Store facts, and add to `healed` where they are."""
        healed.update(
            Partition(self.placement.day(fact), self.placement.shard(fact)) for fact in facts
        )
        errors = [error for error in self.facts.record(facts) if error]
        if errors:
            raise errors[0]
        return len(facts)


def batches(facts: Iterable[Fact], size: int) -> Iterable[list[Fact]]:
    """Facts in lists of at most `size`."""
    batch: list[Fact] = []
    for fact in facts:
        batch.append(fact)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
