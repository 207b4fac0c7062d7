"""Reconciliation: finds what is missing or stale, heals it, and says what it could not compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from cv_contracts.digest import day_digest

from cv_reporter.application.ports import (
    ComparedDay,
    LastComparison,
    Partition,
    ProcessorError,
    RemoteDay,
)
from cv_reporter.application.publish import comparison_since
from cv_reporter.application.reconcile import BATCH, Reconciler
from cv_reporter.application.summarise import Summariser
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period, day_start_ms, utc_day, utc_days
from cv_reporter.domain.fact import Fact, FactKey, Placement
from cv_reporter.domain.report import Comparison
from cv_reporter.domain.summary import Summary
from tests.weeks import FACTS, WEEK_46

HONOLULU = "Pacific/Honolulu"


@dataclass
class Facts:
    """Facts in memory."""

    placement: Placement
    rows: dict[str, Fact] = field(default_factory=dict)
    read: list[Partition] = field(default_factory=list)

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        self.rows |= {fact.request_id: fact for fact in facts}
        return [None for _ in facts]

    def of(self, partition: Partition) -> list[Fact]:
        self.read.append(partition)
        return [f for f in self.rows.values() if self.placement.day(f) == partition.day]

    def newest_first(self, at: Partition, before: str | None = None) -> Iterator[Fact]:
        return iter(sorted(self.of(at), key=lambda fact: -fact.asked_at))

    def asked(self, request_id: str, asked_at: int) -> Fact | None:
        return self.rows.get(request_id)

    def of_session(self, session_id: str) -> list[FactKey]:
        return []

    def of_question(self, request_id: str, times: Iterable[int]) -> list[FactKey]:
        return []

    def remove(self, session_id: str, keys: Iterable[FactKey]) -> None:
        raise AssertionError("reconciliation removes nothing")

    def remove_question(self, request_id: str, keys: Iterable[FactKey]) -> None:
        raise AssertionError("reconciliation removes nothing")


@dataclass
class Summaries:
    """Summaries in memory."""

    kept: dict[Partition, Summary] = field(default_factory=dict)

    def version(self, partition: Partition) -> int:
        return 0

    def put(self, partition: Partition, summary: Summary, seen_version: int) -> bool:
        self.kept[partition] = summary
        return True

    def between(
        self, first: date, last: date, *, quotes_from: date | None = None
    ) -> dict[Partition, Summary]:
        return self.kept

    def asked(self, first: date, last: date) -> frozenset[str]:
        return frozenset()

    def first_day(self) -> date | None:
        return None


@dataclass
class RemoteProcessor:
    """A Processor that knows some facts, and may be down."""

    known: list[Fact]
    down: bool = False
    asked: list[date] = field(default_factory=list)

    def day(self, day: date) -> RemoteDay:
        if self.down:
            raise ProcessorError("connection refused")
        self.asked.append(day)
        pairs = [(f.request_id, f.revision) for f in self.facts(day)]
        return RemoteDay(len(pairs), day_digest(pairs))

    def facts(self, day: date) -> list[Fact]:
        return [fact for fact in self.known if utc_day(fact.asked_at) == day]


@dataclass
class Kept:
    """What the last comparison found, in memory."""

    compared: LastComparison | None = None

    def put(self, compared: LastComparison) -> None:
        self.compared = compared

    def last(self) -> LastComparison | None:
        return self.compared


class Clock:
    """A clock that a test sets; each look takes `step` ms."""

    def __init__(self, step: int = 0) -> None:
        self.now, self.step = 0, step

    def __call__(self) -> int:
        self.now += self.step
        return self.now


def run(ours: list[Fact], theirs: RemoteProcessor, step: int = 0) -> tuple[Comparison, Facts]:
    placement = Placement(HONOLULU)
    facts = Facts(placement, {fact.request_id: fact for fact in ours})
    summariser = Summariser(facts, Summaries(), placement, load_policy())
    kept = Kept()
    reconciler = Reconciler(facts, theirs, summariser, placement, Clock(step), kept)
    days = utc_days(Period.of_week(WEEK_46), HONOLULU)
    found = reconciler.reconcile(days, within_ms=1_000)
    last = kept.last()
    assert last is not None
    assert (last.comparison, last.at) == (found, reconciler.clock() - step)
    assert sorted(last.days) == days[: found.compared]
    return found, facts


def test_what_is_missing_is_fetched_and_what_agrees_is_left_alone() -> None:
    result, facts = run(FACTS[:-5], RemoteProcessor(FACTS))
    assert facts.rows == {fact.request_id: fact for fact in FACTS}
    assert (result.healed, result.problem) == (5, None)
    again, _ = run(list(facts.rows.values()), RemoteProcessor(FACTS))
    assert again.healed == 0


def test_a_stale_revision_is_replaced() -> None:
    newer = replace(FACTS[-1], revision=3, score=77)
    result, facts = run(FACTS, RemoteProcessor([*FACTS[:-1], newer]))
    assert result.healed == 1
    assert facts.rows[newer.request_id].score == 77


def test_a_local_week_is_compared_by_the_utc_days_that_it_overlaps() -> None:
    processor = RemoteProcessor(FACTS)
    result, _ = run(FACTS, processor)
    assert result.days == result.compared == len(processor.asked) == 8


def test_a_processor_that_is_down_is_said_and_nothing_fails() -> None:
    result, _ = run(FACTS, RemoteProcessor([], down=True))
    assert (result.compared, result.days) == (0, 8)
    assert result.problem == "the Processor did not answer: connection refused"


def test_a_slow_processor_does_not_hold_the_report() -> None:
    result, _ = run(FACTS, RemoteProcessor(FACTS), step=400)
    assert result.compared < result.days
    assert result.problem == "the Processor was too slow"


def test_a_day_of_many_slow_pages_does_not_hold_the_report_either() -> None:
    """What was fetched in time is healed; the day does not count as compared."""
    many = [replace(FACTS[12], request_id=f"{n:036d}") for n in range(900)]
    clock = Clock()

    @dataclass
    class Slow:
        known: list[Fact]

        def day(self, day: date) -> RemoteDay:
            return RemoteDay(len(self.known), "of another state")

        def facts(self, day: date) -> Iterator[Fact]:
            for each in self.known:
                clock.now += 5
                yield each

    placement = Placement(HONOLULU)
    facts = Facts(placement)
    summariser = Summariser(facts, Summaries(), placement, load_policy())
    reconciler = Reconciler(facts, Slow(many), summariser, placement, clock, Kept())
    found = reconciler.reconcile([utc_day(many[0].asked_at)], within_ms=1_000)
    assert found == Comparison(1, 0, 200, "the Processor was too slow")
    assert len(facts.rows) == 200
    assert clock.now == 1_000


def test_a_day_that_came_in_many_batches_is_summarised_once() -> None:
    noon = day_start_ms(date(2025, 11, 11), HONOLULU)
    missing = [
        replace(FACTS[0], request_id=f"m{n}", asked_at=noon + n) for n in range(2 * BATCH + 1)
    ]
    comparison, facts = run([], RemoteProcessor(missing))
    assert comparison.healed == len(missing)
    in_that_day = Partition(date(2025, 11, 11), 0)
    # Once to compare each of the UTC days that it overlaps, and once to summarise.
    assert facts.read.count(in_that_day) <= 3


def test_each_local_day_is_read_once() -> None:
    _, facts = run(FACTS, RemoteProcessor(FACTS))
    assert len(facts.read) == len(set(facts.read)) == 9


WEEK_DAYS = utc_days(Period.of_week(WEEK_46), HONOLULU)
ENDED = day_start_ms(date(2025, 11, 17), HONOLULU)
WHOLE = dict.fromkeys(WEEK_DAYS, 0)


def compared(days: dict[date, int], at: int = ENDED, problem: str | None = None) -> LastComparison:
    """A comparison of nine days that got through these."""
    done = {day: ComparedDay(at, n) for day, n in days.items()}
    return LastComparison(Comparison(9, len(days), sum(days.values()), problem), at + 5, done)


def test_a_report_takes_of_the_last_comparison_what_is_of_its_week() -> None:
    earlier = {date(2025, 11, 8): 4, date(2025, 11, 9): 2}
    week = WHOLE | {WEEK_DAYS[0]: 1, WEEK_DAYS[-1]: 5}
    assert comparison_since(compared(earlier | week), WEEK_DAYS, ENDED) == Comparison(8, 8, 6)


def test_a_comparison_that_broke_off_says_why_unless_it_had_done_the_week() -> None:
    some = dict.fromkeys(WEEK_DAYS[:3], 1)
    slow = "the Processor was too slow"
    assert comparison_since(compared(some, problem=slow), WEEK_DAYS, ENDED) == Comparison(
        8, 3, 3, slow
    )
    assert comparison_since(compared(WHOLE, problem=slow), WEEK_DAYS, ENDED) == Comparison(8, 8, 0)


def test_a_comparison_before_the_weeks_end_counts_for_nothing() -> None:
    comparison = comparison_since(compared(WHOLE, at=ENDED - 6), WEEK_DAYS, ENDED)
    assert comparison == Comparison(8, problem="nothing was compared since the week ended")


def test_a_comparison_that_began_before_the_weeks_end_counts_for_nothing() -> None:
    assert comparison_since(compared(WHOLE, at=ENDED - 1), WEEK_DAYS, ENDED).compared == 0


def test_a_report_on_demand_takes_nothing_from_the_nights_comparison() -> None:
    """Neither one of another week, nor one of this week that the Processor did not answer."""
    placement, kept, clock = Placement(HONOLULU), Kept(), Clock()
    facts, clock.now = Facts(placement), ENDED
    summariser = Summariser(facts, Summaries(), placement, load_policy())
    processor = RemoteProcessor(FACTS)
    reconciler = Reconciler(facts, processor, summariser, placement, clock, kept)
    reconciler.reconcile(WEEK_DAYS, within_ms=1_000)
    clock.now += 1_000
    reconciler.reconcile([date(2025, 10, 1)], within_ms=1_000)
    processor.down = True
    reconciler.reconcile(WEEK_DAYS, within_ms=1_000)
    comparison = comparison_since(kept.last(), WEEK_DAYS, ENDED)
    assert (comparison.compared, comparison.healed, comparison.problem) == (
        8,
        len(facts.rows),
        None,
    )


def test_days_are_kept_until_sixty_others_were_compared() -> None:
    placement, kept = Placement(HONOLULU), Kept()
    facts = Facts(placement)
    summariser = Summariser(facts, Summaries(), placement, load_policy())
    clock = Clock(1)
    reconciler = Reconciler(facts, RemoteProcessor([]), summariser, placement, clock, kept)
    for first in (date(2025, 1, 1), date(2025, 3, 1)):
        days = Period(first, first + timedelta(days=39)).days
        reconciler.reconcile(days, within_ms=10_000)
    last = kept.last()
    assert last is not None
    assert len(last.days) == 60
    assert set(days) < set(last.days)


def test_a_comparison_of_other_days_is_none_of_this_week() -> None:
    comparison = comparison_since(compared({date(2026, 1, 5): 7}), WEEK_DAYS, ENDED)
    assert comparison == Comparison(8, problem="the last comparison was of other days")


def test_a_reporter_that_never_compared_says_no_more_than_that() -> None:
    """It may not be linked to a Processor at all."""
    assert comparison_since(None, WEEK_DAYS, ENDED) == Comparison()
