"""A session or a question is forgotten: text and identifiers go, an anonymous count stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cv_contracts.events import (
    QuestionErased,
    SessionErased,
    SessionErasureCompleted,
    SessionErasureCount,
)
from cv_contracts.rest import Erasure
from fastapi.testclient import TestClient

from cv_processor.adapters import dead_letters
from cv_processor.adapters.erasure_store import ErasureTable
from cv_processor.bootstrap import services
from cv_processor.entrypoints import cli, erase, ingest
from cv_processor.entrypoints.api import create_app
from tests.component.world import World, aws, queue_url, sqs_event
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


OTHER: dict[str, Any] = {
    "sessionId": "s02",
    "query": "Does s02 knit?",
    "timestamp": 1_762_161_999_000,
}
"""Asked later under the same id, so it is parked where s01's question stands."""


def erase_session(world: World, api: TestClient, session_id: str) -> None:
    asked = len(world.messages("ERASURE"))
    assert api.delete(f"/v1/sessions/{session_id}").status_code == 202
    while commands := [message.body for message in world.messages("ERASURE")][asked:]:
        asked += len(commands)
        assert erase.handler(sqs_event(commands, world.ids), None) == {"batchItemFailures": []}
    world.relay()


def left_in(world: World) -> str:
    """All questions' items; the receipt names its session until the Reporter has answered."""
    return json.dumps([item for item in world.items() if item["pk"]["S"].startswith("REQ#")])


@pytest.fixture
def shared(world: World) -> World:
    """One id of two sessions: the question of s01 stands, answered, and that of s02 is parked."""
    world.ingest(query(query="Does s01 juggle?"), response(), query(**OTHER))
    world.relay()
    return world


def test_erasing_one_of_two_sessions_with_the_same_id_leaves_the_others_question(
    api: TestClient, shared: World
) -> None:
    before = shared.correlations()["q-1"]
    erase_session(shared, api, "s01")
    left = shared.correlations()["q-1"]
    assert (left.session_id, left.query and left.query.text) == ("s02", OTHER["query"])
    assert "juggle" not in left_in(shared)
    assert '"s01"' not in left_in(shared)
    assert left.revision > before.revision
    assert api.get("/v1/correlations/q-1").json()["outcome"] == "no_response"
    newest = [event for event in shared.published() if event["subject"] == "q-1"][-1]["data"]
    assert (newest["sessionId"], newest["revision"]) == ("s02", left.revision)


def test_erasing_the_session_whose_half_is_parked_leaves_the_question_that_stands(
    api: TestClient, shared: World
) -> None:
    before = shared.correlations()["q-1"]
    erase_session(shared, api, "s02")
    assert shared.correlations()["q-1"] == before
    assert "knit" not in left_in(shared)
    assert shared.conflicts() == set()


def test_both_sessions_erased_leave_nothing(api: TestClient, shared: World) -> None:
    erase_session(shared, api, "s01")
    erase_session(shared, api, "s02")
    assert shared.correlations() == {}
    assert "knit" not in left_in(shared)


def test_an_answer_that_another_session_parked_waits_for_its_question(
    api: TestClient, world: World
) -> None:
    late = response(sessionId="s02", timestamp=1_762_161_999_000, reasoning="of s02")
    world.ingest(query(), response(), late)
    erase_session(world, api, "s01")
    left = world.correlations()["q-1"]
    assert (left.query, left.session_id, left.closed) == (None, "s02", False)


def test_a_question_that_is_open_stays_open_for_the_other_session(
    api: TestClient, world: World
) -> None:
    world.ingest(query(), query(**OTHER))
    erase_session(world, api, "s01")
    assert not world.correlations()["q-1"].closed
    world.expire()
    assert world.correlations()["q-1"].closed


def test_another_sessions_question_under_an_erased_id_is_taken(
    api: TestClient, filled: World
) -> None:
    erase_session(filled, api, "s01")
    filled.ingest(query("q-1", **OTHER))
    assert filled.correlations()["q-1"].session_id == "s02"


def test_a_question_that_changes_during_its_erasure_is_erased_in_the_next_try(
    api: TestClient, shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ErasureTable._stand

    def late(table: ErasureTable, *given: Any) -> None:
        monkeypatch.setattr(ErasureTable, "_stand", real)
        shared.ingest(response(sessionId="s02", timestamp=1_762_161_998_000))
        real(table, *given)

    monkeypatch.setattr(ErasureTable, "_stand", late)
    api.delete("/v1/sessions/s01")
    (command,) = [message.body for message in shared.messages("ERASURE")]
    answer = erase.handler(sqs_event([command], shared.ids), None)
    assert len(answer["batchItemFailures"]) == 1
    erase_session(shared, api, "s01")
    assert '"s01"' not in left_in(shared)
    assert shared.correlations()["q-1"].session_id == "s02"


def erase_question(world: World, api: TestClient, request_id: str) -> str:
    asked = len(world.messages("ERASURE"))
    answer = api.delete(f"/v1/correlations/{request_id}")
    assert answer.status_code == 202
    while commands := [message.body for message in world.messages("ERASURE")][asked:]:
        asked += len(commands)
        assert erase.handler(sqs_event(commands, world.ids), None) == {"batchItemFailures": []}
    world.relay()
    return str(answer.json()["erasureId"])


def test_an_erased_question_is_gone_with_its_parked_halves_and_the_sessions_others_stay(
    api: TestClient, filled: World
) -> None:
    erasure_id = erase_question(filled, api, "q-1")
    reporter_is_done(filled, erasure_id)
    assert set(filled.correlations()) == {"q-2", "q-3"}
    assert filled.conflicts() == set()
    assert '"q-1"' not in json.dumps(filled.items())
    assert api.get("/v1/correlations/q-1").status_code == 404


def test_a_question_of_an_anonymous_visitor_can_be_erased(api: TestClient, world: World) -> None:
    world.ingest(query("q-1", sessionId=None), response("q-1", sessionId=None))
    world.ingest(query("q-2", sessionId=None))
    erase_question(world, api, "q-1")
    assert set(world.correlations()) == {"q-2"}


def test_a_question_of_two_sessions_is_erased_whole(api: TestClient, shared: World) -> None:
    erase_question(shared, api, "q-1")
    assert left_in(shared) == "[]"


def test_the_others_are_told_of_an_erased_question_with_every_time_of_asking(
    api: TestClient, shared: World
) -> None:
    first = shared.correlations()["q-1"].query
    erasure_id = erase_question(shared, api, "q-1")
    (event,) = (
        QuestionErased.read(each)
        for each in shared.published()
        if each["type"] == QuestionErased.DETAIL_TYPE
    )
    assert (event.subject, event.data.request_id) == (erasure_id, "q-1")
    assert first is not None
    assert event.data.asked_at == (first.at, OTHER["timestamp"])
    assert event.data.correlations == 1


@pytest.mark.parametrize("session_id", ["s01", "s02", None])
def test_late_halves_of_an_erased_question_are_dropped_whichever_session_they_name(
    api: TestClient, filled: World, session_id: str | None
) -> None:
    erase_question(filled, api, "q-1")
    filled.ingest({**query("q-1"), "sessionId": session_id})
    filled.ingest({**response("q-1"), "sessionId": session_id})
    assert set(filled.correlations()) == {"q-2", "q-3"}


def test_an_erased_question_does_not_come_back_by_a_redrive(
    api: TestClient, filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
    erase_question(filled, api, "q-1")
    aws("sqs").send_message(
        QueueUrl=queue_url("INGEST_DLQ"),
        MessageBody=json.dumps(query("q-1")),
        MessageGroupId="q-1",
        MessageDeduplicationId="q-1",
    )
    assert cli.main(["dlq", "redrive", "--yes"]) == 0
    (redriven,) = filled.messages("INGEST")
    filled.ingest(redriven.body)
    assert set(filled.correlations()) == {"q-2", "q-3"}


def test_what_slips_in_between_the_passes_of_a_questions_erasure_goes_with_the_second(
    api: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest container that read its list just before the tombstone."""
    monkeypatch.setenv("SETTLE_SECONDS", "60")
    services.cache_clear()
    ingest.use_case.cache_clear()
    world.ingest(query("q-2"))
    erasure_id = api.delete("/v1/correlations/q-1").json()["erasureId"]
    run_erasures(world, passes=1)
    world.ingest(query("q-1", sessionId=None), response("q-1", sessionId=None))
    assert "q-1" in world.correlations()
    (_, second) = [message.body for message in world.messages("ERASURE")]
    erase.handler(sqs_event([second], world.ids), None)
    assert set(world.correlations()) == {"q-2"}
    assert api.get(f"/v1/erasures/{erasure_id}").json()["removed"] == [
        {"service": "processor", "removed": 1}
    ]


def test_erasing_an_unknown_question_counts_none_and_keeps_it_out(
    api: TestClient, world: World
) -> None:
    erasure_id = erase_question(world, api, "q-1")
    removed = api.get(f"/v1/erasures/{erasure_id}").json()["removed"]
    assert removed == [{"service": "processor", "removed": 0}]
    world.ingest(query("q-1"))
    assert world.correlations() == {}


def test_asking_for_a_questions_erasure_twice_is_asking_once(
    api: TestClient, filled: World
) -> None:
    assert erase_question(filled, api, "q-1") == erase_question(filled, api, "q-1")
    told = [each for each in filled.published() if each["type"] == QuestionErased.DETAIL_TYPE]
    assert len(told) == 1


def test_a_session_and_a_question_of_the_same_name_are_two_erasures(
    api: TestClient, world: World
) -> None:
    world.ingest(query("same"), query("q-2", sessionId="same"))
    erase_question(world, api, "same")
    assert set(world.correlations()) == {"q-2"}
    erase_session(world, api, "same")
    assert world.correlations() == {}
