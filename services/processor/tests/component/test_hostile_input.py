"""Hostile input is stored as text, or refused with a reason; it never breaks anything, anywhere."""

from __future__ import annotations

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
