"""A marked text is where it belongs, and in no log line, metric, error or trace."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.adapters.items import UnreadableItemError, load_query, load_response
from cv_processor.entrypoints import intake
from cv_processor.entrypoints.api import create_app
from tests.component.world import World
from tests.events import query, response

CANARY = "canary-3f9a1c"
IP = "203.0.113.77"


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    streams = capfd.readouterr()
    return streams.out + streams.err + caplog.text


def test_no_log_line_carries_a_questions_text(
    world: World,
    api: TestClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    marked = query(query=f"Any Rust? {CANARY}")
    world.ingest(marked, response(reasoning=CANARY))
    world.ingest(query(query=f"Another? {CANARY}", timestamp=1_762_161_999_000))
    world.ingest(query("q-2", query=CANARY), query("q-3", query=CANARY, timestamp=7), CANARY)
    world.expire()
    world.relay()
    api.post("/v1/events", json=marked)
    api.get("/v1/correlations/q-1")
    assert CANARY not in printed(capfd, caplog)
    assert CANARY in json.dumps(world.published())


def test_no_error_carries_a_questions_text(
    world: World,
    api: TestClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(CorrelationTable, "insert", broken)
    answer = world.ingest(query(query=CANARY), query("q-2", query=CANARY))
    assert answer["batchItemFailures"] == []
    reasons = [each.message_attributes["reason"] for each in world.messages("INGEST_DLQ")]
    assert ["RuntimeError" in str(each) for each in reasons] == [True, True]
    assert CANARY not in "".join(map(str, reasons))
    bad = query(query=CANARY, timestamp=CANARY, sessionId=CANARY + "!", **{CANARY: CANARY})
    answers = [
        api.post("/v1/events", json=bad),
        api.post("/v1/events", json=[bad, {CANARY: CANARY}]),
        api.post("/v1/events", content=CANARY, headers={"content-type": "application/json"}),
        api.get("/v1/correlations", params={"outcome": CANARY, "cursor": CANARY}),
        api.get(f"/v1/days/{CANARY}"),
    ]
    assert [each.status_code for each in answers] == [422] * 5
    assert all(CANARY not in each.text for each in answers)
    with pytest.raises(ValueError, match="timestamp") as raised:
        intake.handler({"detail": bad}, None)
    assert CANARY not in str(raised.value)
    assert CANARY not in printed(capfd, caplog)


@pytest.mark.parametrize("load", [load_query, load_response])
def test_a_trace_of_an_unreadable_item_carries_no_text(load: Callable[[str], object]) -> None:
    stored = json.dumps({"at": CANARY, "text": CANARY, CANARY: CANARY})
    with pytest.raises(UnreadableItemError) as raised:
        load(stored)
    assert CANARY not in "".join(traceback.format_exception(raised.value))


def test_an_unexpected_error_answers_500_and_nothing_else(
    world: World, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(CorrelationTable, "get", broken)
    answer = api.get("/v1/correlations/q-1")
    assert (answer.status_code, CANARY in answer.text) == (500, False)


def test_no_identifier_of_a_person_is_stored_or_published(world: World) -> None:
    asked = query(
        query="I'm Jane Doe, jane.doe@corp.example, +44 20 7946 0958: any Rust?",
        metadata={
            "userAgent": f"Mozilla/5.0 (X11; Linux) {CANARY}",
            "referer": f"https://jobs.example/path?token={CANARY}",
            "ip": IP,
        },
        ip=IP,
    )
    world.ingest(asked, response(reasoning="asked by jane.doe@corp.example"))
    world.relay()
    kept = json.dumps([world.items(), world.published()])
    for trace in ("Jane", "Doe", "corp.example", "7946", CANARY, IP, "Mozilla", "/path"):
        assert trace not in kept, trace
    assert "Rust" in kept
    assert "jobs.example" in kept
