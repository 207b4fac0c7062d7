"""What an event and a report cost: calls and items, counted at the clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from cv_reporter import bootstrap
from cv_reporter.adapters.aws import THREADS, client
from cv_reporter.adapters.fact_store import NEWER
from cv_reporter.adapters.items import to_item
from cv_reporter.application.known_layout import LAYOUT_SECONDS
from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import services
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Fact, shard_of
from cv_reporter.domain.report import GapState
from cv_reporter.entrypoints import project, report
from tests.component import world as worlds
from tests.component.traffic import observed
from tests.component.world import World, sqs_record
from tests.sample import MONDAY_NOON, completed_events, fact

WEEK = Week(2025, 46)
REPORTED = [*Period.of_week(WEEK.minus(1)).days, *Period.of_week(WEEK).days]
DAYS = [*Period.of_week(WEEK.minus(2)).days, *REPORTED, *Period.of_week(WEEK.minus(-1)).days]
DAY_MS = 86_400_000
FEW, MANY = 1, 40
"""Questions a day and shard, of the two weeks that a report reads."""

BATCH = {"Records": [sqs_record(n, event) for n, event in enumerate(completed_events()[:10])]}
ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


def test_an_event_is_one_conditional_write_and_no_other_call(world: World) -> None:
    worlds.settle()
    with observed() as traffic:
        assert project.handler(BATCH, None) == ALL_DONE
    assert traffic.of_layout == []
    assert traffic.calls == ["PutItem"] * 10
    assert {each["ConditionExpression"] for each in traffic.parameters} == {NEWER}
    written = {(each["Item"]["pk"]["S"], each["Item"]["sk"]["S"]) for each in traffic.parameters}
    assert written == world.facts().keys()


def test_a_process_reads_the_layout_once_in_half_a_minute_and_stores_it_once_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000.0]
    monkeypatch.setattr(bootstrap, "time", SimpleNamespace(time=lambda: clock[0]))
    with observed() as traffic:
        for _ in range(3):
            project.handler(BATCH, None)
    assert traffic.of_layout == ["GetItem", "PutItem", "GetItem", "GetItem"]
    clock[0] += LAYOUT_SECONDS
    with observed() as traffic:
        for _ in range(3):
            project.handler(BATCH, None)
    assert traffic.of_layout == ["GetItem"]


def test_an_event_that_comes_again_is_the_same_write_refused(world: World) -> None:
    project.handler(BATCH, None)
    before = world.items()
    with observed() as traffic:
        assert project.handler(BATCH, None) == ALL_DONE
    assert traffic.calls == ["PutItem"] * 10
    assert world.items() == before


def test_the_writes_of_a_batch_go_out_together(world: World) -> None:
    """None is sent before all ten are about to be: one after another, they would wait in vain."""
    worlds.settle()
    together = Barrier(THREADS)

    def wait(**_: Any) -> None:
        together.wait(timeout=5)

    events = client("dynamodb").meta.events
    events.register_first("before-send", wait)
    try:
        assert project.handler(BATCH, None) == ALL_DONE
    finally:
        events.unregister("before-send", wait)
    assert len(world.facts()) == THREADS


def asked(each_day: int, shards: int) -> Iterator[Fact]:
    """So many questions on every day and in every shard; one each in the weeks around."""
    sessions = {shard_of(f"s{n}", shards): f"s{n}" for n in range(100)}
    assert len(sessions) == shards
    for day in DAYS:
        noon = MONDAY_NOON + (day - WEEK.first).days * DAY_MS
        for session in sessions.values():
            for n in range(each_day if day in REPORTED else 1):
                name = f"{day}-{session}-{n}"
                yield fact(request_id=name, asked_at=noon + n, session_id=session)


def keep(facts: Iterator[Fact], shards: int) -> None:
    """Facts and their summaries, as `project` and `summarise` leave them."""
    place = services().placement
    puts = [{"PutRequest": {"Item": to_item(each, place.key(each), 400)}} for each in facts]
    for start in range(0, len(puts), 25):  # as many as a call may carry
        chunk = puts[start : start + 25]
        client("dynamodb").batch_write_item(RequestItems={worlds.TABLE: chunk})
    every = (Partition(day, shard) for day in DAYS for shard in range(shards))
    services().summariser.refresh_all(every)


def reported(each_day: int, shards: int, owner_writes: Callable[[], object]) -> int:
    """The items that the report of a week with so many questions reads, its sending included."""
    worlds.restore(worlds.EMPTY)
    keep(asked(each_day, shards), shards)
    owner_writes()
    with observed() as traffic:
        assert report.handler({"week": str(WEEK)}, None)["sent"] == 1
    stored = services().report_store.get(str(WEEK))
    assert stored is not None
    assert stored.questions == 7 * shards * each_day
    return traffic.items


@pytest.mark.parametrize("shards", [1, 4])
def test_a_report_reads_as_many_items_for_forty_times_the_questions(
    world: World, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    """A summary a day and shard of two weeks, each shard's first day, and what the owner said."""
    monkeypatch.setenv("SHARDS", str(shards))
    worlds.forget()

    def decide() -> None:
        services().notes.decide("Go", GapState.PLANNED, "")

    summaries, first_days, decisions = 7 * shards * 2, shards, 1
    allowed = summaries + first_days + decisions
    assert reported(FEW, shards, decide) == allowed
    assert reported(MANY, shards, decide) == allowed


def test_a_list_of_skills_and_a_note_cost_a_report_days_and_no_questions(world: World) -> None:
    """The names asked in 90 days and the weeks around the note: here 21 days each."""

    def write() -> None:
        services().notes.list_skills(["Go"])
        services().notes.annotate(Annotation(WEEK.first, "added a Python project", "Python"))

    summaries, first_day, the_list, the_note = 14 + 21 + 21, 1, 1, 1
    allowed = summaries + first_day + the_list + the_note
    assert reported(FEW, 1, write) == allowed
    assert reported(MANY, 1, write) == allowed
