"""The API writes one line a request, and names the trace of an answer about one question."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.application.errors import UnavailableError
from cv_processor.entrypoints.api import create_app
from cv_processor.entrypoints.api import handler as lambda_handler
from cv_processor.entrypoints.observability import SERVICE
from tests.component.world import World
from tests.events import query, response

Lines = Callable[[], list[dict[str, Any]]]
WORD = "canary-3f9a1c"


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the service's logger writes during the test."""
    [stream] = logging.getLogger(SERVICE).handlers
    assert isinstance(stream, logging.StreamHandler)
    written = io.StringIO()
    before = stream.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    stream.setStream(before)


@pytest.fixture
def api(world: World) -> TestClient:
    return TestClient(create_app())


def test_a_request_is_one_line_with_its_route_status_and_question(
    world: World, api: TestClient, lines: Lines
) -> None:
    world.ingest(query(), response())
    before = len(lines())
    assert api.get("/v1/correlations/q-1").status_code == 200
    [line] = lines()[before:]
    expected = {
        "function": "api",
        "method": "GET",
        "route": "/v1/correlations/{requestId}",
        "status": 200,
        "requests": ["q-1"],
        "failures": 0,
        "level": "INFO",
    }
    assert {name: line[name] for name in expected} == expected
    assert 0 <= line["duration_ms"] < 60_000


def test_on_lambda_a_line_has_the_ids_of_api_gateway_and_lambda_and_the_version(
    world: World, lines: Lines
) -> None:
    event = {
        "version": "2.0",
        "routeKey": "GET /health",
        "rawPath": "/health",
        "rawQueryString": "",
        "headers": {"host": "api.example"},
        "requestContext": {
            "requestId": "gateway-1",
            "http": {"method": "GET", "path": "/health", "sourceIp": "203.0.113.77"},
        },
        "isBase64Encoded": False,
    }
    context = SimpleNamespace(aws_request_id="lambda-1", function_version="7")
    assert lambda_handler(event, context)["statusCode"] == 200
    [line] = lines()
    assert (line["api_request_id"], line["aws_request_id"]) == ("gateway-1", "lambda-1")
    assert (line["function_version"], line["status"]) == ("7", 200)
    assert "203.0.113.77" not in json.dumps(line)


def test_answers_about_one_question_share_the_trace_of_its_events(
    world: World, api: TestClient
) -> None:
    world.ingest(query(), response())
    world.relay()
    [published] = [event["traceparent"] for event in world.published()]
    answers = [
        api.get("/v1/correlations/q-1"),
        api.get("/v1/correlations/q-1/conflicts"),
        api.post("/v1/events", json=[query(), response()]),
    ]
    traces = [answer.headers["traceresponse"].split("-") for answer in answers]
    assert [trace[1] for trace in traces] == [published.split("-")[1]] * 3
    assert {(trace[0], len(trace[2]), trace[3]) for trace in traces} == {("00", 16, "01")}


def test_answers_about_none_or_several_questions_have_no_trace(api: TestClient) -> None:
    several = api.post("/v1/events", json=[query("q-1"), query("q-2")])
    assert [several.status_code, api.get("/health").status_code] == [202, 200]
    assert "traceresponse" not in several.headers
    assert "traceresponse" not in api.get("/health").headers


def test_an_unexpected_error_is_one_line_with_status_500_and_its_place(
    api: TestClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(WORD)

    monkeypatch.setattr(CorrelationTable, "get", broken)
    answer = api.get("/v1/correlations/q-1")
    assert answer.headers["content-type"] == "application/problem+json"
    [line] = lines()
    assert (answer.status_code, line["status"], line["failures"]) == (500, 500, 1)
    assert line["failed"]["none"].startswith("RuntimeError at application/")
    assert WORD not in answer.text + json.dumps(line)


def test_an_unavailable_table_is_a_line_with_status_503_and_its_place(
    api: TestClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise UnavailableError(WORD)

    monkeypatch.setattr(CorrelationTable, "get", unavailable)
    assert api.get("/v1/correlations/q-1").status_code == 503
    [line] = lines()
    assert (line["status"], line["failures"]) == (503, 1)
    assert line["failed"]["none"].startswith("UnavailableError at application/")


def test_no_word_of_the_client_is_in_a_line(api: TestClient, lines: Lines) -> None:
    api.get(f"/{WORD}")
    api.get(f"/v1/correlations/{WORD} {WORD}", params={WORD: WORD}, headers={WORD: WORD})
    api.request(WORD, "/health")
    api.post("/v1/events", json={"requestId": f"{WORD}!"})
    written = lines()
    assert [line["status"] for line in written] == [404, 404, 405, 422]
    assert [line["route"] for line in written] == [
        "none",
        "/v1/correlations/{requestId}",
        "/health",
        "/v1/events",
    ]
    assert WORD not in json.dumps(written)


def test_an_error_after_the_answer_has_begun_is_raised_and_logged(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    class TornError(Exception):
        """The connection broke."""

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise TornError

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/health",
        "headers": [],
        "query_string": b"",
    }
    app = create_app()
    loop = asyncio.new_event_loop()  # `asyncio.run` would leave the thread without one for Mangum
    with pytest.raises(TornError):
        loop.run_until_complete(app(scope, receive, send))
    loop.close()
    [line] = lines()
    assert (line["status"], line["failures"]) == (200, 1)
