"""Change the layout that is stored with the data: time zone and number of shards.

Each step reads the stored layout, does what is next by it, and stores the next one on the version
that was read. So a command that was cut off goes on when it is repeated, two operators do the same
work twice and no harm, and readers change over by one write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from cv_reporter.application.known_layout import LAYOUT_SECONDS, Layouts
from cv_reporter.application.ports import FactStore, Partition
from cv_reporter.application.reconcile import BATCH, batches
from cv_reporter.application.summarise import Summariser
from cv_reporter.domain.calendar import LATEST, Period
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.domain.layout import ZONES_APART_DAYS, Layout, first_copied_day
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.summary import Summary, merged, summarise
from cv_reporter.domain.summary_document import fitted

WRITER_SECONDS: Final = 300
"""The longest that a run which writes facts may take: `reconcile`'s timeout. A command's comparison
is shorter, and so is everything that the stream calls."""
WAIT_SECONDS: Final = LAYOUT_SECONDS + WRITER_SECONDS
"""After so long no run follows a layout that was replaced."""
ROUNDS: Final = 10
PAUSE_SECONDS: Final = 5
"""How long an event has that one generation has and the other one not yet, until both are
compared again."""
AT_ONCE_DAYS: Final = 28
"""So many days' summaries are carried over at a time: some 100 KB each."""


class UnderWayError(Exception):
    """A re-projection to another layout than the wished one is not finished."""

    def __init__(self, following: Placement) -> None:
        """`following` is the layout that it leads to."""
        super().__init__("a re-projection to another layout is not finished")
        self.following = following


class ExpiredError(Exception):
    """The re-projection took so long that facts of its first days may have expired."""


class DifferentError(Exception):
    """Both generations do not have the same questions. The message says how many."""


class ChangedError(Exception):
    """Somebody else changed the layout."""


class Summaries(Protocol):
    """The day summaries of a generation."""

    def between(self, first: date, last: date) -> dict[Partition, Summary]:
        """The summaries of all shards of these days."""
        ...

    def versions(self, first: date, last: date) -> dict[Partition, int]:
        """How often each summary of these days was written."""
        ...

    def at(self, places: Iterable[Partition]) -> Mapping[Partition, tuple[int, Summary]]:
        """Single summaries with their versions."""
        ...

    def put(self, at: Partition, summary: Summary, seen_version: int) -> bool:
        """Store the summary, unless another writer was faster (`False`)."""
        ...

    def first_day(self) -> date | None:
        """The earliest day that has a summary."""
        ...


class Guard(Protocol):
    """Removes rows that should not be there."""

    def check_facts(self, facts: Sequence[Fact]) -> None:
        """Remove the rows of those of the facts that are stale or erased."""
        ...


class Generation(Protocol):
    """The facts of one layout, and what is made of them."""

    @property
    def placement(self) -> Placement:
        """Its layout."""
        ...

    @property
    def facts(self) -> FactStore:
        """Its facts."""
        ...

    @property
    def summaries(self) -> Summaries:
        """Its day summaries."""
        ...

    @property
    def summariser(self) -> Summariser:
        """What recomputes them."""
        ...

    @property
    def guard(self) -> Guard:
        """What removes rows that should not be there."""
        ...


class Rows(Protocol):
    """The rows of each generation."""

    def partitions(self, generation: int) -> list[Partition]:
        """The days and shards that have facts."""
        ...

    def sweep(self, generation: int) -> Iterator[int]:
        """Remove every row of a generation; gives how many are gone so far."""
        ...


@dataclass(frozen=True, slots=True)
class Reprojection:
    """Brings the stored layout to the wished one. `wait` takes seconds."""

    layouts: Layouts
    rows: Rows
    generation: Callable[[Placement], Generation]
    wish: Placement
    oldest_whole_day: Callable[[str], date]
    policy: Policy
    wait: Callable[[int], None]
    progress: Callable[[str], None]

    def read(self) -> Layout:
        """The layout as it is stored."""
        return self.layouts.read() or Layout(self.wish)

    def run(self) -> None:
        """Do what is left to do until the stored layout is the wished one and no former is left.

        Raises `UnderWayError`, `ExpiredError`, `DifferentError`; what was done is kept.
        """
        self._follow(self._next)

    def cancel(self) -> None:
        """Give an unfinished re-projection up, and remove what it copied."""
        self._follow(self._undone)

    def _follow(self, step: Callable[[Layout], Layout | None]) -> None:
        """Take steps until there is none. One that another operator was faster with is read."""
        while True:
            try:
                following = step(self.read())
            except ChangedError:
                continue
            if following is None:
                return
            self.layouts.put(following)

    def _next(self, layout: Layout) -> Layout | None:
        if layout.old:
            return self._removed(layout, layout.old)
        if layout.next:
            return self._filled(layout, layout.next)
        if layout.current.rules == self.wish.rules:
            return None
        return layout.announced(self.wish, self.oldest_whole_day(layout.current.time_zone))

    def _undone(self, layout: Layout) -> Layout | None:
        if layout.next:
            return layout.cancelled()
        return self._removed(layout, layout.old) if layout.old else None

    def _removed(self, layout: Layout, old: Placement) -> Layout:
        self._let_runs_end("before the former rows are removed")
        for gone in self.rows.sweep(old.generation):
            self.progress(f"{gone} former rows removed")
        return layout.swept()

    def _filled(self, layout: Layout, following: Placement) -> Layout:
        if following.rules != self.wish.rules:
            raise UnderWayError(following)
        self._let_runs_end("until every function writes to both layouts")
        copying = Copying(
            here=self.generation(layout.current),
            there=self.generation(following),
            rows=self.rows,
            policy=self.policy,
            progress=self.progress,
            unchanged=lambda: self._stays(layout),
        )
        self._compared(copying)
        if self.oldest_whole_day(layout.current.time_zone) > first_copied_day(following):
            raise ExpiredError("facts began to expire before all were copied")
        return layout.switched()

    def _compared(self, copying: Copying) -> None:
        """Copy until both generations have the same questions."""
        left = 0
        for attempt in range(ROUNDS):
            copied = copying.copy()
            copying.carry()
            if copied or attempt == 0:
                copying.recompute()
            surplus = copying.surplus()
            if surplus:
                self.wait(PAUSE_SECONDS)
            left = copied + copying.still(surplus)
            copying.unchanged()  # what another operator removed is no difference
            if not left:
                return
        raise DifferentError(f"{left} questions are not the same in both layouts")

    def _stays(self, layout: Layout) -> None:
        if self.layouts.read() != layout:
            raise ChangedError

    def _let_runs_end(self, why: str) -> None:
        self.progress(f"waiting {WAIT_SECONDS} seconds, {why}")
        self.wait(WAIT_SECONDS)


@dataclass(frozen=True, slots=True)
class Copying:
    """Brings what one generation has to the next. Each part can be repeated.

    `unchanged` raises if the layout is not the one any more that this is for.
    """

    here: Generation
    there: Generation
    rows: Rows
    policy: Policy
    progress: Callable[[str], None]
    unchanged: Callable[[], None]

    def copy(self) -> int:
        """Copy the facts that are not there yet; returns how many.

        The guard looks at the rows here first, as it does when the stream shows new ones: what is
        erased, or moved by a correction, is not copied, however late the stream is. What becomes so
        while it is copied is surplus there.
        """
        copied = 0
        for day, facts in self._days(self.here):
            wanted = [fact for fact in facts if self.there.placement.has_row(fact)]
            for batch in batches(_absent(wanted, self.there), BATCH):
                self.unchanged()
                self.here.guard.check_facts(batch)
                for error in filter(None, self.there.facts.record(batch)):
                    raise error
                copied += len(batch)
                self.progress(f"{day}: {copied} questions copied")
            self.progress(f"{day} compared")
        return copied

    def surplus(self) -> list[Fact]:
        """What is there and not here, after the guard has removed what is erased or moved."""
        found: list[Fact] = []
        for _, facts in self._days(self.there):
            absent = _absent(facts, self.here)
            self.there.guard.check_facts(absent)
            found += absent
        return found

    def still(self, surplus: Sequence[Fact]) -> int:
        """How many of these questions are still there and not here."""
        return sum(
            self.there.facts.asked(fact.request_id, fact.asked_at) is not None
            and self.here.facts.asked(fact.request_id, fact.asked_at) is None
            for fact in surplus
        )

    def recompute(self) -> None:
        """Make every day summary there of the facts there."""
        first = self.there.placement.first_day
        known = self.there.summaries.versions(first, LATEST)
        places = {*self.rows.partitions(self.there.placement.generation), *known}
        for at in sorted(places):
            self.unchanged()
            self.there.summariser.refresh(at)
            self.progress(f"{at.day} recomputed")

    def carry(self) -> None:
        """Bring the counts of the days of which facts are gone or going, without any text."""
        boundary = first_copied_day(self.there.placement)
        counts = self._boundary(boundary)
        begun = self.here.summaries.first_day() or boundary
        days = Period(begun, boundary - timedelta(days=1)).days
        for start in range(0, len(days), AT_ONCE_DAYS):
            chunk = days[start : start + AT_ONCE_DAYS]
            for day, known in _by_day(self.here.summaries.between(chunk[0], chunk[-1])).items():
                self._keep(day, [*known, *counts.pop(day, ())])
        for day, left in counts.items():
            self._keep(day, left)

    def _boundary(self, boundary: date) -> dict[date, list[Summary]]:
        """The counts of copied days' facts that fall on a day that has no facts there."""
        placement = self.there.placement
        fallen: dict[date, list[Fact]] = {}
        for day in Period(boundary, boundary + timedelta(days=2 * ZONES_APART_DAYS)).days:
            for fact in self._of_day(self.here, day):
                if not placement.has_row(fact):
                    fallen.setdefault(placement.day(fact), []).append(fact)
        return {
            day: [summarise(facts, day, placement.time_zone, self.policy)]
            for day, facts in fallen.items()
        }

    def _keep(self, day: date, counts: Iterable[Summary]) -> None:
        self.unchanged()
        at, total = Partition(day, 0), merged(counts).unquoted()
        version, present = self.there.summaries.at([at]).get(at, (0, None))
        if present is None or fitted(present) != fitted(total):
            self.there.summaries.put(at, total, version)
        self.progress(f"{day} carried over")

    def _days(self, generation: Generation) -> Iterator[tuple[date, list[Fact]]]:
        """The facts of each copied day of a generation."""
        first = first_copied_day(self.there.placement)
        days = {at.day for at in self.rows.partitions(generation.placement.generation)}
        for day in sorted(day for day in days if day >= first):
            yield day, self._of_day(generation, day)

    def _of_day(self, generation: Generation, day: date) -> list[Fact]:
        shards = range(generation.placement.shards)
        return [fact for shard in shards for fact in generation.facts.of(Partition(day, shard))]


def _absent(facts: Sequence[Fact], generation: Generation) -> list[Fact]:
    """Those that a generation has not, at this revision or a later one, at their place in it."""
    placement = generation.placement
    places = {Partition(placement.day(fact), placement.shard(fact)) for fact in facts}
    known = {
        (fact.asked_at, fact.request_id): fact.revision
        for place in sorted(places)
        for fact in generation.facts.of(place)
    }
    return [f for f in facts if known.get((f.asked_at, f.request_id), 0) < f.revision]


def _by_day(summaries: Mapping[Partition, Summary]) -> dict[date, list[Summary]]:
    days: dict[date, list[Summary]] = {}
    for at, summary in sorted(summaries.items()):
        days.setdefault(at.day, []).append(summary)
    return days
