"""The layout that is stored with the data: its steps, and who may look at the settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

import cv_reporter
from cv_reporter.adapters.items import generation_of, locator_key, summaries_key
from cv_reporter.application import reproject
from cv_reporter.application.generations import EveryGeneration
from cv_reporter.application.known_layout import LAYOUT_SECONDS, KnownLayout, LayoutChangedError
from cv_reporter.application.ports import Partition
from cv_reporter.domain.calendar import day_start_ms, oldest_whole_day
from cv_reporter.domain.fact import Fact, Placement, partition, place_of
from cv_reporter.domain.layout import Layout, first_copied_day, remark
from cv_reporter.entrypoints import cli
from cv_reporter.entrypoints import reconcile as reconcile_entry
from tests.sample import fact

SOURCE = Path(cv_reporter.__file__).parent
LONDON, BERLIN = Placement("Europe/London"), Placement("Europe/Berlin", 2)
DAY = date(2025, 11, 10)


def test_the_keys_of_the_first_generation_are_those_from_before_there_were_generations() -> None:
    assert partition(DAY, 0) == "DAY#2025-11-10#0"
    assert summaries_key(0) == "SUMMARY#0"
    assert locator_key("r") == ("LOCATOR#r", "LOCATOR")


@pytest.mark.parametrize("generation", [1, 2, 13])
def test_a_key_says_its_generation(generation: int) -> None:
    assert place_of(partition(DAY, 3, generation)) == (DAY, 3, generation)
    assert generation_of(partition(DAY, 3, generation), "1#r") == generation
    assert generation_of(summaries_key(3, generation), "2025-11-10") == generation
    assert generation_of(*locator_key("r#2", generation)) == generation


@pytest.mark.parametrize("pk", ["REPORT", "LAYOUT", "SEND#2025-W46", "ERASED#1", "OUTBOX#e#2"])
def test_what_has_no_generation_is_of_none(pk: str) -> None:
    assert generation_of(pk, "anything#2") is None


def test_a_reprojection_writes_both_then_reads_the_next_then_removes_the_former() -> None:
    announced = Layout(LONDON).stored().announced(BERLIN, DAY)
    assert [each.generation for each in announced.written] == [2, 1]
    switched = announced.switched()
    assert [each.generation for each in switched.written] == [2]
    assert [each.generation for each in switched.present] == [2, 1]
    swept = switched.swept()
    assert (swept.current.rules, swept.old, swept.version) == (BERLIN.rules, None, 4)


def test_the_number_of_a_generation_that_was_given_up_is_not_used_again() -> None:
    given_up = Layout(LONDON).announced(BERLIN, DAY).cancelled().swept()
    again = given_up.announced(BERLIN, DAY)
    assert again.next is not None
    assert again.next.generation == 3


ZONES = ("Etc/GMT+12", "Pacific/Honolulu", "Europe/London", "Asia/Kolkata", "Pacific/Kiritimati")


@pytest.mark.parametrize("before", ZONES)
@pytest.mark.parametrize("after", ZONES)
def test_of_every_day_with_rows_all_facts_are_read_and_none_is_near_its_end(
    before: str, after: str
) -> None:
    now = day_start_ms(DAY, "UTC") + 40_000_000
    oldest = oldest_whole_day(now, 400, before)
    following = Layout(Placement(before)).announced(Placement(after), oldest).next
    assert following is not None
    first = day_start_ms(following.first_day, after)
    assert first >= day_start_ms(first_copied_day(following), before) > now - 399 * 86_400_000


def test_a_fact_of_a_day_that_is_only_counted_has_no_row() -> None:
    placement = Placement("Europe/London", first_day=DAY)
    assert placement.has_row(fact())
    assert not placement.has_row(fact(asked_at=fact().asked_at - 86_400_000))


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (Layout(BERLIN), ""),
        (
            Layout(LONDON),
            "Days are counted in Europe/London (1 shard). "
            "The setting says Europe/Berlin (2 shards):",
        ),
        (
            Layout(LONDON).announced(BERLIN, DAY),
            "Days are counted in Europe/London (1 shard). "
            "A re-projection to Europe/Berlin (2 shards) is not finished:",
        ),
    ],
)
def test_a_setting_that_is_not_followed_is_said(layout: Layout, said: str) -> None:
    assert remark(layout, BERLIN) == said


@dataclass
class Stored:
    """The item, and how often it was read."""

    layout: Layout | None = None
    reads: int = 0

    def read(self) -> Layout | None:
        self.reads += 1
        return self.layout

    def put(self, layout: Layout) -> bool:
        if layout.version != (self.layout.version if self.layout else 0) + 1:
            return False
        self.layout = layout
        return True


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_known_is_read_again_when_it_is_half_a_minute_old_or_the_clock_was_set_back() -> (
    None
):
    stored, clock = Stored(), Clock()
    known = KnownLayout(stored, LONDON, clock)
    for now, reads in [(0.0, 1), (LAYOUT_SECONDS - 0.1, 1), (LAYOUT_SECONDS, 2), (1.0, 3)]:
        clock.now = now
        assert known.now() == Layout(LONDON)
        assert stored.reads == reads


def test_of_two_first_writers_with_other_settings_one_is_told_to_try_again() -> None:
    stored = Stored()
    first, second, third = (KnownLayout(stored, wish, Clock()) for wish in (LONDON, BERLIN, LONDON))
    layouts = first.now(), second.now(), third.now()
    first.settle(layouts[0])
    with pytest.raises(LayoutChangedError):
        second.settle(layouts[1])
    third.settle(layouts[2])
    assert second.now().current == LONDON


@dataclass
class Store:
    """Takes facts, but the ones that it refuses."""

    refuses: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        names = [each.request_id for each in facts]
        self.taken += [name for name in names if name not in self.refuses]
        return [ValueError(name) if name in self.refuses else None for name in names]

    def of(self, partition: Partition) -> list[Fact]:
        """Nothing is read from it."""
        raise NotImplementedError


def test_a_fact_that_one_generation_refuses_is_not_offered_to_the_next() -> None:
    following, current = Store({"r1"}), Store({"r2"})
    both = EveryGeneration(lambda: None, [following, current])
    errors = both.record([fact(1), fact(2), fact(3)])
    assert list(map(str, errors)) == ["r1", "r2", "None"]
    assert (following.taken, current.taken) == (["r2", "r3"], ["r3"])


def test_a_layout_that_cannot_be_stored_fails_every_fact_and_writes_none() -> None:
    def settle() -> None:
        raise LayoutChangedError

    store = Store()
    errors = EveryGeneration(settle, [store]).record([fact(1), fact(2)])
    assert [type(error) for error in errors] == [LayoutChangedError] * 2
    assert store.taken == []


def test_a_comparison_ends_well_before_a_reprojection_stops_waiting_for_it() -> None:
    for milliseconds in (cli.RECONCILE_MS, reconcile_entry.WITHIN_MS):
        assert milliseconds / 1_000 + 60 <= reproject.WRITER_SECONDS


def of_settings(path: Path) -> Iterator[int]:
    """The lines that take the zone or the number of shards from the settings."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"time_zone", "shards"}:
            value = node.value
            name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
            if name == "settings":
                yield node.lineno


def test_only_the_wish_is_made_of_the_settings() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): len(list(of_settings(path)))
        for path in SOURCE.rglob("*.py")
    }
    assert {path: n for path, n in found.items() if n} == {"bootstrap.py": 2}


def test_another_use_of_the_settings_is_found(tmp_path: Path) -> None:
    module = tmp_path / "x.py"
    module.write_text("a = services().settings.time_zone\nb = settings.shards\nc = p.time_zone\n")
    assert list(of_settings(module)) == [1, 2]
