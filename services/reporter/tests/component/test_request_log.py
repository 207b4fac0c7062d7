"""The API and the dashboard write one line a request, and no word of the client is in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from cv_reporter.application.errors import UnavailableError
from cv_reporter.application.queries import Queries
from cv_reporter.entrypoints.api import create_app
from cv_reporter.entrypoints.api import handler as lambda_handler
from cv_reporter.entrypoints.observability import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.component.world import World

    Lines = Callable[[], list[dict[str, Any]]]

WORD = "canary-3f9a1c"
WEEK = {"from": "2025-11-10", "to": "2025-11-16"}


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


def test_a_request_is_one_line_with_its_route_and_status(api: TestClient, lines: Lines) -> None:
    assert api.get("/v1/reports/2025-W44").status_code == 404
    [line] = lines()
    expected = {
        "function": "api",
        "method": "GET",
        "route": "/v1/reports/{week}",
        "status": 404,
        "failures": 0,
        "level": "INFO",
    }
    assert {name: line[name] for name in expected} == expected
    assert 0 <= line["duration_ms"] < 60_000


def test_on_lambda_a_line_has_the_ids_of_api_gateway_and_lambda_and_the_version(
    api: TestClient,
    lines: Lines,
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


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, 500), (UnavailableError, 503)])
def test_an_error_is_one_line_with_its_status_and_place(
    error: type[Exception],
    status: int,
    api: TestClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error(WORD)

    monkeypatch.setattr(Queries, "questions", broken)
    answer = api.get("/v1/questions", params=WEEK)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status != 500)
    [line] = lines()
    assert (answer.status_code, line["status"], line["failures"]) == (status, status, 1)
    assert line["failed"]["none"].startswith(f"{error.__name__} at entrypoints/api/questions.py:")
    assert WORD not in answer.text + json.dumps(line)


def test_no_word_of_the_client_is_in_a_line(api: TestClient, lines: Lines) -> None:
    api.get(f"/{WORD}")
    api.get(f"/v1/reports/{WORD} {WORD}", params={WORD: WORD}, headers={WORD: WORD})
    api.request(WORD, "/health")
    api.post("/v1/annotations", json={"date": f"{WORD}!"})
    api.get(f"/dashboard/{WORD}")
    written = lines()
    assert [line["status"] for line in written][:4] == [404, 422, 405, 422]
    assert [line["route"] for line in written][:4] == [
        "none",
        "/v1/reports/{week}",
        "/health",
        "/v1/annotations",
    ]
    assert len(written) == 5
    assert WORD not in json.dumps(written)


def test_an_error_after_the_answer_has_begun_is_raised_and_logged(
    api: TestClient,
    lines: Lines,
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
