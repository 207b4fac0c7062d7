"""A session is forgotten: its text and identifiers go, an anonymous count stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cv_contracts.events import SessionErased, SessionErasureCompleted, SessionErasureCount
from cv_contracts.rest import Erasure
from fastapi.testclient import TestClient

from cv_processor.bootstrap import services
from cv_processor.entrypoints import erase, ingest
from cv_processor.entrypoints.api import create_app
from tests.component.world import World, sqs_event
from tests.events import query, response


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def run_erasures(world: World, *, passes: int = 2) -> None:
    """Hand the erasure queue's messages over, each once."""
    for number in range(passes):
        (command,) = [message.body for message in world.messages("ERASURE")][number : number + 1]
        assert erase.handler(sqs_event([command], world.ids), None) == {"batchItemFailures": []}


def reporter_is_done(world: World, erasure_id: str) -> None:
    count = SessionErasureCount(erasure_id=erasure_id, service="reporter", facts=2)
    event = SessionErasureCompleted.of(
        count,
        id="00000000-0000-0000-0000-000000000000",
        subject=erasure_id,
        time="2025-11-03T09:12:00.000Z",
    )
    delivered = {"detail-type": event.DETAIL_TYPE, "detail": json.loads(event.to_json())}
    erase.handler(sqs_event([json.dumps(delivered)], world.ids), None)


@pytest.fixture
def filled(world: World) -> World:
    """Two questions of session s01, one with a conflict and one open; one of s02."""
    world.ingest(query(), response(), response(matchScore=90, timestamp=1_762_161_999_000))
    world.ingest(query("q-2", query="Secret words of s01"))
    world.ingest(query("q-3", sessionId="s02"), response("q-3", sessionId="s02"))
    world.relay()
    return world


def test_nothing_of_the_session_is_left_and_others_stay(api: TestClient, filled: World) -> None:
    answer = api.delete("/v1/sessions/s01")
    assert answer.status_code == 202
    receipt = Erasure.read(answer.json())
    run_erasures(filled)
    reporter_is_done(filled, receipt.erasure_id)
    assert set(filled.correlations()) == {"q-3"}
    left = json.dumps(filled.items())
    for trace in ("s01", "q-1", "q-2"):
        assert f'"{trace}"' not in left
    assert "Secret" not in left


@pytest.mark.parametrize("answered_first", [False, True])
def test_a_question_has_its_own_session_alone_whatever_its_response_names(
    world: World, answered_first: bool
) -> None:
    halves = [query("q-1", sessionId="asked"), response("q-1", sessionId="another")]
    for half in reversed(halves) if answered_first else halves:
        world.ingest(half)
    world.relay()
    assert world.correlations()["q-1"].session_id == "asked"
    assert "another" not in json.dumps(world.items())
    assert "another" not in json.dumps(world.published())


def test_a_response_that_waits_is_of_its_own_session(api: TestClient, world: World) -> None:
    world.ingest(response("q-1", sessionId="s01"))
    assert world.correlations()["q-1"].session_id == "s01"
    world.ingest(query("q-1", sessionId=None))
    assert world.correlations()["q-1"].session_id == "s01"


def test_the_receipt_shows_each_services_count_as_it_arrives(
    api: TestClient, filled: World
) -> None:
    erasure_id = api.delete("/v1/sessions/s01").json()["erasureId"]
    address = f"/v1/erasures/{erasure_id}"
    assert api.get(address).json()["removed"] == []
    run_erasures(filled)
    own = {"service": "processor", "removed": 2}
    assert api.get(address).json()["removed"] == [own]
    reporter_is_done(filled, erasure_id)
    assert api.get(address).json()["removed"] == [own, {"service": "reporter", "removed": 2}]


def test_the_others_are_told_once_with_the_count(api: TestClient, filled: World) -> None:
    erasure_id = api.delete("/v1/sessions/s01").json()["erasureId"]
    run_erasures(filled)
    reporter_is_done(filled, erasure_id)
    filled.relay()
    erased = [each for each in filled.published() if each["type"] == SessionErased.DETAIL_TYPE]
    (event,) = (SessionErased.read(each) for each in erased)
    assert (event.data.session_id, event.data.correlations) == ("s01", 2)


def test_late_halves_of_the_session_are_dropped(api: TestClient, filled: World) -> None:
    api.delete("/v1/sessions/s01")
    run_erasures(filled)
    filled.ingest(response("q-2"), query("q-9"))
    filled.ingest({**response("q-1"), "sessionId": None})
    assert set(filled.correlations()) == {"q-3"}
    assert filled.expire() == {"batchItemFailures": []}


def test_what_slips_in_between_the_passes_goes_with_the_second(
    api: TestClient, filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest container that read its list just before the tombstone."""
    monkeypatch.setenv("SETTLE_SECONDS", "60")
    services.cache_clear()
    ingest.use_case.cache_clear()
    filled.ingest(query("q-8", sessionId="s02"))
    api.delete("/v1/sessions/s01")
    run_erasures(filled, passes=1)
    filled.ingest(query("q-7"))
    assert "q-7" in filled.correlations()
    run_second = [message.body for message in filled.messages("ERASURE")][1]
    erase.handler(sqs_event([run_second], filled.ids), None)
    assert set(filled.correlations()) == {"q-3", "q-8"}


def test_asking_twice_is_asking_once(api: TestClient, filled: World) -> None:
    first, second = (api.delete("/v1/sessions/s01").json()["erasureId"] for _ in range(2))
    assert first == second
    run_erasures(filled, passes=2)


def test_anonymous_visitors_cannot_be_erased_as_one_session(api: TestClient) -> None:
    assert api.delete("/v1/sessions/anonymous").status_code == 422


def test_an_unknown_receipt_is_not_found(api: TestClient) -> None:
    assert api.get("/v1/erasures/00").status_code == 404


def test_a_conflict_is_visible(api: TestClient, filled: World) -> None:
    items: list[dict[str, Any]] = api.get("/v1/correlations/q-1/conflicts").json()["items"]
    assert [(item["eventType"], item["matchScore"]) for item in items] == [("response", 90)]
