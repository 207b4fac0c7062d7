"""A setting that is not followed, where people see it; what a change keeps of old days."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from cv_contracts.digest import day_digest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from cv_reporter.adapters import processor_api
from cv_reporter.adapters.aws import client
from cv_reporter.application.ports import Partition, RemoteDay
from cv_reporter.application.reproject import DifferentError, ExpiredError
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.reading import CompletedReading
from cv_reporter.bootstrap import Generation, Services, services
from cv_reporter.domain.calendar import EARLIEST, LATEST, Week, utc_day
from cv_reporter.domain.fact import Fact, Placement, place_of
from cv_reporter.domain.layout import first_copied_day
from cv_reporter.domain.summary import merged
from cv_reporter.entrypoints import cli, reconcile, summarise
from cv_reporter.entrypoints.api import create_app
from cv_reporter.entrypoints.api.one_layout import OneLayout
from cv_reporter.entrypoints.observability import logger
from tests.component import world as worlds
from tests.component.test_reproject import (
    DAY_MS,
    HOUR_MS,
    LONDON,
    LOS_ANGELES,
    NOW,
    RETENTION,
    Interrupted,
    Scene,
    question,
    scene,
)
from tests.component.world import World, pk
from tests.faults.faults import Crash, Injector, injected
from tests.sample import completed, erased

__all__ = ["scene"]

NIGHT = question(1, NOW - NOW % DAY_MS + 2 * HOUR_MS)
"""On the day before in Los Angeles."""
NOTICE = (
    "Days are counted in America/Los_Angeles (1 shard). The setting says Europe/London (1 shard): "
    "run"
)


@dataclass(frozen=True)
class OneQuestion:
    """A Processor that knows `NIGHT`."""

    address: Callable[[], str]
    rules: AudienceRules

    def day(self, day: date) -> RemoteDay:
        """Count and digest."""
        facts = list(self.facts(day))
        return RemoteDay(len(facts), day_digest((f.request_id, f.revision) for f in facts))

    def facts(self, day: date) -> Iterator[Fact]:
        """The question, on its day."""
        reading = CompletedReading.model_validate_json(completed(NIGHT).to_json())
        fact = to_fact(reading.data, self.rules)
        if utc_day(fact.asked_at) == day:
            yield fact


@pytest.fixture
def moved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A question was asked under Los Angeles; then London is set."""
    monkeypatch.setattr(processor_api, "ProcessorApi", OneQuestion)
    monkeypatch.setattr(cli, "sleep", scene.passes)
    scene.deploy((LOS_ANGELES, 1))
    scene.ask(NIGHT)
    scene.counted()
    scene.deploy((LONDON, 1))
    return scene


def test_a_comparison_under_a_changed_zone_fetches_nothing_and_counts_once(
    moved: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    period = ["--from", "2025-11-15", "--to", "2025-11-17"]
    for command in (["reconcile", *period], ["reproject", "--yes"], ["reconcile", *period]):
        worlds.forget()
        assert cli.main(command) == 0
        assert moved.counted() == {"skill 1": 1}
    assert capsys.readouterr().out.splitlines() == [
        "4 of 4 days compared, 0 questions fetched",
        "days are counted in Europe/London (1 shard)",
        "3 of 3 days compared, 0 questions fetched",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["preview", "--week", "2025-W46"],
        ["send", "--week", "2025-W46", "--yes"],
        ["rebuild", "--from", "2025-11-16", "--to", "2025-11-17", "--yes"],
        ["reconcile", "--from", "2025-11-16", "--to", "2025-11-16"],
    ],
    ids=lambda command: str(command[0]),
)
def test_commands_that_count_by_days_say_that_the_setting_is_not_followed(
    moved: Scene, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert cli.main(command) == 0
    assert f"{NOTICE} `make ops-reporter ARGS=reproject`.\n" in capsys.readouterr().err
    moved.deploy((LOS_ANGELES, 1))
    assert cli.main(command) == 0
    assert "Days are counted" not in capsys.readouterr().err


def test_the_owner_sees_on_the_dashboard_that_the_setting_is_not_followed(moved: Scene) -> None:
    api = TestClient(create_app(), base_url="https://api.example")
    link = services().dashboard_link()
    entered = api.post("/dashboard/enter", data={"token": link.partition("token=")[2]}).text
    assert f"{NOTICE} <code>make ops-reporter ARGS=reproject</code>." in entered
    assert cli.main(["reproject", "--yes"]) == 0
    worlds.forget()
    assert "Days are counted" not in api.get("/dashboard").text


def test_it_asks_first_and_is_explained(moved: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    before = moved.world.items()
    assert cli.main(["reproject"]) == 1
    assert (
        "Re-project from America/Los_Angeles (1 shard) to Europe/London (1 shard)? Not done"
        in capsys.readouterr().err
    )
    assert cli.main(["reproject", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "If it is cut off, repeat it." in shown
    assert "--cancel" in shown
    assert moved.world.items() == before


def test_without_a_change_it_does_nothing(moved: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    moved.deploy((LOS_ANGELES, 1))
    before = moved.world.items()
    for command in (["reproject", "--yes"], ["reproject", "--cancel", "--yes"]):
        assert cli.main(command) == 0
        assert capsys.readouterr().out == "days are counted in America/Los_Angeles (1 shard)\n"
    assert moved.world.items() == before


def test_one_under_way_to_another_layout_is_named_with_both_ways_out(
    moved: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "sleep", stop)
    assert cli.main(["reproject", "--yes"]) == cli.STOPPED
    monkeypatch.setattr(cli, "sleep", moved.passes)
    moved.deploy(("Europe/Berlin", 1))
    assert cli.main(["reproject", "--yes"]) == 1
    printed = capsys.readouterr().err
    assert "to Europe/London (1 shard) is not finished, and the setting says Europe/B" in printed
    assert "Give it up with `reproject --cancel`, or set what it leads to" in printed
    worlds.forget()
    assert cli.main(["reproject", "--cancel", "--yes"]) == 0
    worlds.forget()
    assert cli.main(["reproject", "--yes"]) == 0
    assert moved.now().placement.rules == ("Europe/Berlin", 1)
    assert moved.counted() == {"skill 1": 1}


def test_lines_of_functions_say_that_the_setting_is_not_followed(
    moved: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    [handler] = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    try:
        moved.ask(NIGHT)
        reconcile.handler({}, None)
        moved.deploy((LOS_ANGELES, 1))
        moved.ask(NIGHT)
    finally:
        handler.setStream(before)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    noted = NOTICE.removesuffix(" run")
    assert [line.get("unfollowed") for line in lines] == [noted, noted, None]


def expire(scene: Scene, before_ms: int) -> None:
    """Time to live removes the rows of what was asked before then; the stream says that it did."""
    table = services().table
    for (partition, row), item in scene.world.facts().items():
        if int(item["askedAt"]["N"]) < before_ms:
            table.delete(partition, row)
    ttl = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    records = [{**each, **ttl} for each in scene.world.changes() if pk(each).startswith("DAY#")]
    assert summarise.handler({"Records": records}, None) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("zones", "shards"),
    [
        ([LOS_ANGELES, LONDON], [3, 2]),
        ([LONDON, LOS_ANGELES, LONDON], [1, 1, 1]),
        (["Pacific/Kiritimati", "Pacific/Honolulu", "Pacific/Kiritimati"], [2, 1, 3]),
    ],
)
def test_questions_past_the_retention_stay_counted_once_and_lose_their_texts(
    scene: Scene, zones: list[str], shards: list[int]
) -> None:
    scene.deploy((zones[0], shards[0]))
    edge = NOW - RETENTION * DAY_MS
    scene.ask(*(question(n, edge + (n - 12) * 5 * HOUR_MS) for n in range(60)))
    scene.counted()
    expire(scene, edge)
    assert scene.counted() == scene.expected()
    for rules in list(zip(zones, shards, strict=True))[1:]:
        scene.deploy(rules)
        scene.work().run()
        assert scene.counted() == scene.expected()
    first = scene.now().placement.first_day
    old = services().summary_store.between(date(2024, 1, 1), first)
    carried = {at: summary for at, summary in old.items() if at.day < first}
    assert carried
    assert all(summary == summary.unquoted() for summary in carried.values())
    assert cli.main(["rebuild", "--from", str(min(carried).day), "--to", str(first), "--yes"]) == 1
    for at in carried:
        services().summariser.refresh(at)
    scene.ask(question(1, edge - 11 * 5 * HOUR_MS))  # a redriven event of a day that is over
    assert scene.counted() == scene.expected()
    assert all(place_of(partition).day >= first for partition, _ in scene.world.facts())


def test_one_that_takes_so_long_that_facts_expire_does_not_change_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.deploy((LONDON, 1))
    scene.ask(NIGHT)
    scene.deploy((LOS_ANGELES, 1))

    def days_pass(_: int) -> None:
        monkeypatch.setattr(Services, "now_ms", lambda _: NOW + 3 * DAY_MS)

    with pytest.raises(ExpiredError):
        scene.work(days_pass).run()
    assert scene.now().placement.rules == (LONDON, 1)
    following = services().layout.next
    assert following is not None
    assert first_copied_day(following) < services().oldest_whole_day(LONDON)
    scene.work().cancel()
    scene.work().run()
    assert scene.counted() == scene.expected()


def test_a_question_that_only_the_next_layout_has_stops_the_change_until_its_event_is_repeated(
    scene: Scene,
) -> None:
    """Its message failed between the two writes, and lies in the dead-letter queue."""
    scene.deploy((LONDON, 1))
    scene.ask(NIGHT)
    scene.deploy((LOS_ANGELES, 1))
    lost = question(2, NOW)
    reading = CompletedReading.model_validate_json(completed(lost).to_json())
    fact = to_fact(reading.data, scene.now().audience)

    def half_written(seconds: int) -> None:
        scene.passes(seconds)
        worlds.forget()
        if following := services().layout.next:
            services().generation(following).facts.record([fact])

    with pytest.raises(DifferentError, match="1 questions are not the same"):
        scene.work(half_written).run()
    assert scene.counted() == {"skill 1": 1}
    scene.ask(lost)
    scene.work().run()
    assert scene.counted() == {"skill 1": 1, "skill 2": 1}


def test_a_request_reads_one_generation_though_the_layout_changes_within_it(moved: Scene) -> None:
    read: list[int] = []

    async def answer(_: Scope, __: Receive, ___: Send) -> None:
        read.append(services().placement.generation)
        moved.work().run()
        worlds.forget()
        read.append(services().placement.generation)

    async def receive() -> Message:
        return {}

    async def send(_: Message) -> None:
        """Nobody listens."""

    asyncio.run(OneLayout(answer)({"type": "http"}, receive, send))
    assert read == [1, 1]
    assert services().placement.generation == 2
    assert "OneLayout" in [
        getattr(each.cls, "__name__", "") for each in create_app().user_middleware
    ]


def test_no_fact_is_ever_without_a_layout(scene: Scene) -> None:
    """It is stored before the first fact, by whatever writes it."""
    scene.deploy((LONDON, 1))
    order: list[str] = []
    events = client("dynamodb").meta.events

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "PutItem":
            order.append(str(params["Item"]["pk"]["S"]))

    events.register("before-parameter-build.dynamodb.PutItem", note)
    try:
        scene.ask(NIGHT)
    finally:
        events.unregister("before-parameter-build.dynamodb.PutItem", note)
    assert order == ["LAYOUT", "DAY#2025-11-17#0"]


def test_readers_alone_store_no_layout(world: World) -> None:
    assert services().placement.rules == (LONDON, 1)
    assert cli.main(["preview", "--week", "2025-W46"]) == 0
    assert world.items() == {}


def filled_unseen(scene: Scene) -> Scene:
    """Questions, one of them moved by a correction; then another zone is set."""
    scene.deploy((LONDON, 1))
    scene.ask(*(question(n, NOW - n * 7 * HOUR_MS) for n in range(6)))
    scene.ask(question(2, NOW - 30 * HOUR_MS, revision=2))
    scene.counted()
    scene.deploy((LOS_ANGELES, 2))
    return scene


def test_every_summary_is_there_when_readers_change_over_though_the_stream_stands_still(
    scene: Scene,
) -> None:
    filled_unseen(scene).work().run()
    found = merged(scene.now().summary_store.between(EARLIEST, LATEST).values())
    assert found.visitors.outcomes.questions == len(scene.newest)


def test_a_container_that_does_not_know_a_generation_yet_reads_the_layout_again(
    scene: Scene,
) -> None:
    """The stream's reader may have read the layout just before it changed."""
    scene.deploy((LONDON, 1))
    scene.ask(NIGHT)
    old = scene.container()
    assert scene.counted(by=old) == scene.expected()
    scene.deploy((LOS_ANGELES, 1))
    scene.work(lambda _: None).run()
    scene.ask(question(2, NOW))
    assert scene.counted(by=old) == scene.expected()


def test_what_was_erased_is_not_copied_though_the_stream_stands_still(scene: Scene) -> None:
    """A late event of an erased session is here, and nobody has removed it yet."""
    filled_unseen(scene).project(erased("s1"))
    scene.ask(question(21, NOW))  # of s1
    scene.work().run()
    assert "text of 21" not in str(scene.world.facts())


def test_a_locator_of_one_generation_removes_no_row_of_another(scene: Scene) -> None:
    """A correction is in the next one; in the current one its message is to be repeated."""
    filled_unseen(scene)
    work = scene.work()
    work.layouts.put(work.read().announced(work.wish, date(2025, 1, 1)))
    given = scene.now()
    following, current = (given.generation(each) for each in given.layout.written)
    rows = [fact for at in (date(2025, 11, 16), date(2025, 11, 17)) for fact in _all(current, at)]
    corrected = replace(rows[0], revision=3, asked_at=rows[0].asked_at - 30 * HOUR_MS)
    assert following.facts.record([corrected]) == [None]
    assert current.facts.asked(rows[0].request_id, rows[0].asked_at) == rows[0]
    before = scene.counted()
    assert before == scene.expected()
    assert current.facts.asked(rows[0].request_id, rows[0].asked_at) == rows[0]


def _all(generation: Generation, day: date) -> list[Fact]:
    return generation.facts.of(Partition(day, 0))


def test_what_is_erased_between_its_reading_and_its_copy_is_not_left_there(scene: Scene) -> None:
    """By whatever call the erasure comes in between; the stream stands still."""
    filled_unseen(scene)
    start, position = worlds.snapshot(), scene.world.position
    counting = Injector()
    with injected(counting):
        scene.work().run()
    copies = [at for at, call in enumerate(counting.calls) if call in {"TransactWriteItems"}]
    for at in (*copies, *(copy - 1 for copy in copies), *(copy - 2 for copy in copies)):
        worlds.restore(start)
        scene.world.position = position
        with injected(Interrupted(at, lambda: scene.project(erased("s2")))):
            scene.work().run()
        assert "text of 2" not in str(scene.world.facts()), at


def reported(scene: Scene) -> str:
    """The kept report of the week that the question falls into in Los Angeles."""
    kept = scene.now().report_store.get("2025-W46")
    assert kept is not None
    return kept.body


def test_removing_the_former_rows_takes_no_text_out_of_a_kept_report(moved: Scene) -> None:
    services().report_builder.build(Week(2025, 46))
    before = reported(moved)
    assert "text of 1" in before

    def wait(seconds: int) -> None:
        moved.passes(seconds)
        if moved.now().layout.old:  # the stream shows some removals before all are done
            assert list(moved.work().rows.sweep(1))
            moved.counted()

    moved.work(wait).run()
    assert moved.counted() == moved.expected()
    assert reported(moved) == before


def test_a_text_that_expires_leaves_the_report_of_the_week_that_it_was_in_before(
    moved: Scene,
) -> None:
    """On Monday by the new zone, it stands in the report of the week before."""
    services().report_builder.build(Week(2025, 46))
    moved.work().run()
    moved.counted()
    assert [place_of(partition).day for partition, _ in moved.world.facts()] == [date(2025, 11, 17)]
    expire(moved, NOW)
    assert "text of 1" not in reported(moved)


def test_an_erasure_while_the_former_rows_go_leaves_no_summary_of_them(scene: Scene) -> None:
    filled_unseen(scene)
    waits: list[int] = []

    def wait(seconds: int) -> None:
        waits.append(seconds)
        if len(waits) > 1:  # readers have changed over
            raise Crash

    with suppress(Crash):
        scene.work(wait).run()
    former = scene.now().layout.old
    assert former is not None
    rows = iter(scene.work().rows.sweep(former.generation))
    next(rows)  # the summaries are gone
    scene.project(erased("s1"))
    scene.counted()
    assert not any(at[0] == "SUMMARY#0" for at in scene.world.items())


def test_a_comparison_misses_no_fact_of_a_day_that_is_only_counted(
    moved: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    work = moved.work()
    later = replace(work.read(), version=2, current=Placement(LONDON, 1, 2, date(2025, 11, 20)))
    assert work.layouts.put(later)
    worlds.forget()
    assert cli.main(["reconcile", "--from", "2025-11-16", "--to", "2025-11-17"]) == 0
    assert capsys.readouterr().out == "2 of 2 days compared, 0 questions fetched\n"
