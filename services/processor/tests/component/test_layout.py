"""The number of shards is stored with the data: only a re-projection follows the setting."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import cv_processor
from cv_processor.adapters.aws import client
from cv_processor.adapters.stream import read_records
from cv_processor.application.queries import ListCorrelations, Position, orders_of_day
from cv_processor.application.values import DayEntry
from cv_processor.bootstrap import Services, services
from cv_processor.domain.days import LAYOUT_SECONDS, Layout
from cv_processor.entrypoints import erase, ingest
from cv_processor.entrypoints.cli import main
from tests.component.layouts import (
    FIRST_DAY,
    SESSIONS,
    Clock,
    Container,
    fill,
    misplaced,
    seen_wrongly,
    stored_layout,
)
from tests.component.test_request_log import Lines, lines
from tests.component.world import TABLE, World, sqs_event
from tests.conftest import forget_containers
from tests.events import query, response

__all__ = ["lines"]
SOURCE = Path(cv_processor.__file__).parent
DAYS = ("--from", "2025-11-03", "--to", "2025-11-04")


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Services, "wait", lambda *_: None)


def deploy(monkeypatch: pytest.MonkeyPatch, shards: int) -> None:
    """New containers of all functions, with another setting."""
    monkeypatch.setenv("SHARDS", str(shards))
    forget_containers()


def test_the_first_write_stores_the_setting_as_the_layout_of_the_table(world: World) -> None:
    first = Container.start(4, Clock())
    reader = Container.start(1, Clock()).given.layouts
    assert (reader.current(), first.given.layouts.current()) == (Layout.of(1), Layout.of(4))
    assert stored_layout() is None
    first.ingest(query())
    assert stored_layout() == (4, 4, 0)
    assert reader.current() == Layout.of(4)  # at once: that there was none is not kept


def test_of_two_first_writers_with_different_settings_both_follow_what_is_stored(
    world: World,
) -> None:
    containers = [Container.start(shards, Clock()) for shards in (4, 1)]
    for number, container in enumerate(containers):
        container.ingest(query(f"q-{number}", sessionId=SESSIONS[3]), response(f"q-{number}"))
    assert stored_layout() == (4, 4, 0)
    assert misplaced(world, 4) == []


def test_a_changed_setting_is_not_followed_and_hides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(Container.start(4, Clock()))
    deploy(monkeypatch, 1)
    world.ingest(query(sessionId=SESSIONS[3]), response(sessionId=SESSIONS[3]))
    reader = Container.start(1, Clock())
    assert seen_wrongly(world, reader) == []
    assert misplaced(world, 4) == []
    assert stored_layout() == (4, 4, 0)


def test_a_container_follows_a_stored_layout_within_layout_seconds(world: World) -> None:
    clock = Clock()
    container = Container.start(1, clock)
    container.ingest(query())
    layouts = container.given.layouts
    assert Container.start(1, clock).given.layouts.put(Layout(4, 4, version=1))
    clock.now += LAYOUT_SECONDS - 1
    assert layouts.shards_to_write() == 1
    clock.now += 1
    assert layouts.shards_to_write() == 4
    clock.now -= 3_600  # a clock that was set back makes nothing fresh
    assert Container.start(1, clock).given.layouts.put(Layout(2, 2, version=2))
    assert layouts.shards_to_write() == 2


def test_a_layout_is_stored_over_the_version_that_it_was_made_of_alone(world: World) -> None:
    layouts = Container.start(1, Clock()).given.layouts
    first = layouts.put(Layout.of(1))
    assert first is not None
    assert layouts.put(Layout.of(2)) is None
    assert layouts.put(first.adopted(2)) == Layout(2, 2, moving=True)
    assert layouts.put(first.adopted(3)) is None


def test_an_erasure_puts_what_stands_afterwards_where_the_stored_layout_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch, 4)
    other: dict[str, Any] = {"timestamp": 1_762_161_999_000, "sessionId": SESSIONS[3]}
    world.ingest(query(sessionId=SESSIONS[1]), response(), query(**other))
    deploy(monkeypatch, 1)
    assert main(["erase", SESSIONS[1], "--yes"]) == 0
    for number in range(2):
        body = world.messages("ERASURE")[number].body
        assert erase.handler(sqs_event([body], world.ids), None) == {"batchItemFailures": []}
    assert world.correlations()["q-1"].session_id == SESSIONS[3]
    assert misplaced(world, 4) == []


def test_an_entry_that_the_index_shows_in_both_shards_is_one_question(world: World) -> None:
    """While it moves, for the index is a moment behind."""

    class Both:
        def day(self, day: date, shard: int) -> list[DayEntry]:
            return [DayEntry(5_001, "q-1"), DayEntry(6_001 + shard, "q-2")]

        def day_page(self, day: date, shard: int, **_: Any) -> list[DayEntry]:
            return [DayEntry(5_001, "q-1")]

        def get_many(self, ids: list[str]) -> dict[str, Any]:
            assert ids in ([], ["q-1"])
            return {}

    reader: Any = Both()
    moving = Layout(1, 2, moving=True)
    assert orders_of_day(reader, FIRST_DAY, moving) == {"q-1": 5_001, "q-2": 6_002}
    assert ListCorrelations(reader, moving)._merged(Position(FIRST_DAY), 9) == [
        DayEntry(5_001, "q-1")
    ]


def test_reproject_moves_everything_and_says_how_much(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(Container.start(4, Clock()))
    moving = len(misplaced(world, 1))
    assert moving > 0
    deploy(monkeypatch, 1)
    assert main(["reproject"]) == 1
    assert "repeat with --yes" in capsys.readouterr().out
    assert stored_layout() == (4, 4, 0)
    assert main(["reproject", "--yes"]) == 0
    printed = capsys.readouterr()
    assert re.search(r"\d+ questions moved: each day has 1\.", printed.out)
    assert "SHARDS is 1, the table has 4" in printed.err
    assert (stored_layout(), misplaced(world, 1)) == ((1, 1, 0), [])
    assert main(["reproject", "--yes"]) == 0
    printed = capsys.readouterr()
    assert "0 questions moved" in printed.out
    assert printed.err == ""


def test_reproject_of_an_empty_table_stores_the_layout(world: World) -> None:
    assert main(["reproject", "--yes"]) == 0
    assert stored_layout() == (1, 1, 0)


def test_a_command_that_reads_days_says_on_stderr_that_the_setting_is_not_followed(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ingest(query(), response())
    assert main(["republish", *DAYS, "--yes"]) == 0
    assert capsys.readouterr().err == ""
    deploy(monkeypatch, 4)
    assert main(["republish", *DAYS, "--yes"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "SHARDS is 4, the table has 1: `reproject` changes it.\n"
    assert "1 event published" in printed.out


def test_a_command_that_reads_days_says_that_a_reproject_did_not_end(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ingest(query(), response())
    deploy(monkeypatch, 4)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Services, "wait", stop)
        assert main(["reproject", "--yes"]) == 130
    assert stored_layout() == (1, 4, 1)
    deploy(monkeypatch, 1)
    capsys.readouterr()
    assert main(["republish", *DAYS, "--yes"]) == 0
    printed = capsys.readouterr().err
    assert printed == "A `reproject` did not end: repeat it. Lists are complete meanwhile.\n"


def test_reproject_leaves_what_it_cannot_read_visible_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Container.start(4, Clock())
    for number, session in enumerate(SESSIONS):
        writer.ingest(query(f"q-{number}", sessionId=session), response(f"q-{number}"))
    client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "REQ#q-3"}, "sk": {"S": "CORRELATION"}},
        UpdateExpression="SET #query = :odd",
        ExpressionAttributeNames={"#query": "query"},
        ExpressionAttributeValues={":odd": {"S": "{}"}},
    )
    deploy(monkeypatch, 1)
    assert main(["reproject", "--yes"]) == 1
    assert "cannot read stay where they are: 1, the first is q-3" in capsys.readouterr().out
    assert stored_layout() == (1, 4, 1)
    given = services()
    assert set(orders_of_day(given.correlations, FIRST_DAY, given.layouts.current())) == {
        f"q-{number}" for number in range(4)
    }


def test_a_container_logs_once_that_the_setting_is_not_followed(
    lines: Lines, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ingest(query())
    deploy(monkeypatch, 4)
    for number in range(2, 5):
        world.ingest(query(f"q-{number}"))
    written = [line for line in lines() if line["function"] == "ingest"]
    assert [line.get("layout") for line in written] == [None, {"stored": 1, "set": 4}, None, None]


def test_the_layouts_own_change_is_nothing_to_publish(world: World) -> None:
    record = {
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"pk": {"S": "LAYOUT"}, "sk": {"S": "LAYOUT"}},
            "NewImage": {"pk": {"S": "LAYOUT"}, "sk": {"S": "LAYOUT"}, "shards": {"N": "1"}},
        },
    }
    [read], undecodable = read_records([record])
    assert (read.change, undecodable) == (None, {})


def test_the_setting_is_read_by_bootstrap_alone() -> None:
    """Whatever else used it would follow a wish instead of the stored layout."""
    users = [
        path.relative_to(SOURCE).as_posix()
        for path in sorted(SOURCE.rglob("*.py"))
        if re.search(r"settings\.shards|SHARDS\b", _code(path))
    ]
    assert users == ["bootstrap.py"]
    assert _code(SOURCE / "bootstrap.py").count("settings.shards") == 1


def _code(path: Path) -> str:
    """Without texts: what a command prints may name the setting."""
    return re.sub(r'"""(?s:.*?)"""|f?"[^"\n]*"', "", path.read_text("utf-8"))


def test_ingest_writes_by_the_stored_layout_at_once_after_a_reproject(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ingest(query())
    deploy(monkeypatch, 4)
    assert main(["reproject", "--yes"]) == 0
    deploy(monkeypatch, 4)
    assert ingest.use_case() is not None
    world.ingest(query("q-2", sessionId=SESSIONS[3]), response("q-2"))
    assert misplaced(world, 4) == []
