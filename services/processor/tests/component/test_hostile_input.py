"""Hostile input is stored as text, or refused with a reason; it never breaks anything, anywhere."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cv_contracts.events import CorrelationCompleted
from fastapi.testclient import TestClient

from cv_processor.entrypoints.api import create_app
from tests import hostile
from tests.component.world import World
from tests.events import query, response

JSON = {"content-type": "application/json"}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
TAKEN_BY_SQS = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_hostile_text_goes_all_the_way_as_text(api: TestClient, world: World, name: str) -> None:
    text = hostile.TEXTS[name]
    halves = [query(query=text), response(reasoning=text)]
    assert api.post("/v1/events", json=halves).status_code == 202
    bodies = [message.body for message in world.messages("INGEST")]
    assert all(map(TAKEN_BY_SQS.fullmatch, bodies))
    world.ingest(*bodies)
    assert world.relay() == {"batchItemFailures": []}
    (event,) = world.published()
    assert CorrelationCompleted.read(event).data.question
    assert api.get("/v1/correlations/q-1").status_code == 200


@pytest.mark.parametrize("name", hostile.BODIES)
def test_a_hostile_body_is_refused(api: TestClient, world: World, name: str) -> None:
    body = hostile.BODIES[name]
    assert api.post("/v1/events", content=body, headers=JSON).status_code == 422
    assert world.messages("INGEST") == []


@pytest.mark.parametrize("name", hostile.BODIES)
def test_a_hostile_message_is_parked_and_delays_nobody(world: World, name: str) -> None:
    body = hostile.BODIES[name].decode("utf-8", "replace")
    assert world.ingest(body, query("q-2")) == {"batchItemFailures": []}
    assert len(world.messages("INGEST_DLQ")) == 1
    assert set(world.correlations()) == {"q-2"}


@pytest.mark.parametrize("name", hostile.DOCUMENTS)
def test_a_document_that_is_nearly_an_event_is_refused_with_its_reason(
    api: TestClient, world: World, name: str
) -> None:
    answer = api.post("/v1/events", json=[hostile.DOCUMENTS[name], query("good")])
    assert answer.status_code == 202
    (rejected,) = answer.json()["rejected"]
    assert rejected["reason"]
    world.ingest(json.dumps(hostile.DOCUMENTS[name]), query("good"))
    assert set(world.correlations()) == {"good"}


@pytest.mark.parametrize("name", hostile.ODD)
def test_an_odd_event_is_stored_under_an_id_that_the_api_takes(
    api: TestClient, world: World, name: str
) -> None:
    answer = api.post("/v1/events", json=hostile.ODD[name])
    assert answer.status_code == 202
    (accepted,) = answer.json()["accepted"]
    world.ingest(*[message.body for message in world.messages("INGEST")])
    assert set(world.correlations()) == {accepted["requestId"]}
    assert api.get(f"/v1/correlations/{accepted['requestId']}").status_code in {200, 404}


def test_a_long_question_is_kept_and_published_as_truncated(api: TestClient, world: World) -> None:
    halves = [query(query="Go? " * 1_100), response()]
    assert api.post("/v1/events", json=halves).json()["rejected"] == []
    world.ingest(*[message.body for message in world.messages("INGEST")])
    world.relay()
    (event,) = world.published()
    data = CorrelationCompleted.read(event).data
    assert (data.question_truncated, len(data.question) <= 4_000) == (True, True)


@pytest.mark.parametrize("odd", ['"Nice \\ud83d"', "NaN", "1" * 5_000])
def test_one_odd_event_of_a_batch_is_one_rejected_event(api: TestClient, odd: str) -> None:
    good = json.dumps(query("good"))
    bad = good.replace('"good"', odd)
    answer = api.post("/v1/events", content=f"[{good},{bad}]".encode(), headers=JSON)
    assert answer.status_code == 202
    assert [one["index"] for one in answer.json()["accepted"]] == [0]
    assert [one["index"] for one in answer.json()["rejected"]] == [1]


def test_a_byte_order_mark_and_gzip_are_read(api: TestClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(query()).encode()
    zipped = {**JSON, "content-encoding": "gzip"}
    assert api.post("/v1/events", content=body, headers=JSON).status_code == 202
    assert api.post("/v1/events", content=gzip.compress(body), headers=zipped).status_code == 202


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", b"{}", 415),
        ("gzip", b"{}", 422),
        ("gzip", gzip.compress(b"{}")[:-9], 422),
        ("gzip", gzip.compress(b" " * 10_000_000), 413),
    ],
)
def test_a_body_that_can_not_be_decompressed_is_refused(
    api: TestClient, encoding: str, body: bytes, status: int
) -> None:
    headers = {**JSON, "content-encoding": encoding}
    assert api.post("/v1/events", content=body, headers=headers).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/v1/correlations?from=1e99",
        "/v1/correlations?from=999999999999999999999",
        "/v1/correlations?limit=1000000",
        "/v1/correlations?cursor=" + "A" * 2_000,
        "/v1/correlations?cursor=%00%ff",
        "/v1/correlations?sessionId=%27%3B--",
        "/v1/correlations?skill=" + "x" * 81,
        "/v1/correlations/%00",
        "/v1/correlations/" + "x" * 500,
        "/v1/days/0000-00-00",
        "/v1/days/9999-99-99",
        "/v1/erasures/%ff",
    ],
)
def test_a_hostile_address_is_refused_without_an_echo(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code in {404, 422}
    problem: dict[str, Any] = answer.json()
    assert "xxxx" not in json.dumps(problem)
    assert "DROP" not in json.dumps(problem)
