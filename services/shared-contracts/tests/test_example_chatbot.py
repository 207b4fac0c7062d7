"""The example for chatbots runs, and reports what was asked and answered."""

from __future__ import annotations

import json
import runpy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from cv_contracts.chatbot import QueryEvent, ResponseEvent, read_chatbot_event
from cv_contracts.producer import Reply

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "chatbot.py"
DEADLINE = 10.0


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The app behind a real server on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + DEADLINE
    while not server.started:
        assert time.monotonic() < end, "the server did not start"
        threading.Event().wait(0.005)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(DEADLINE)


def test_a_question_to_the_example_is_answered_and_reported() -> None:
    bodies: list[bytes] = []

    def deliver(body: bytes, /) -> Reply:
        bodies.append(body)
        return Reply(202, b'{"accepted": [], "rejected": []}')

    app = runpy.run_path(str(EXAMPLE))["create_app"](deliver)
    with serving(app) as address:
        asking = {"question": "Python?", "session_id": "s1"}
        answered = httpx.post(f"{address}/ask", json=asking, trust_env=False)
    assert answered.json()["score"] == 93
    events = [read_chatbot_event(one) for body in bodies for one in json.loads(body)["events"]]
    asked, answer = events
    assert isinstance(asked, QueryEvent)
    assert isinstance(answer, ResponseEvent)
    assert (asked.query, asked.request_id) == ("Python?", answer.request_id)
    assert answer.match_type == "full"


def test_the_environment_names_the_address_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []

    def processor(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={})

    monkeypatch.setenv("CV_ANALYTICS_URL", "https://api.example")
    monkeypatch.setenv("CV_ANALYTICS_WEBHOOK_KEY", "k" * 64)
    with httpx.Client(transport=httpx.MockTransport(processor)) as http:
        runpy.run_path(str(EXAMPLE))["from_environment"](http)(b"{}")
    assert str(seen[0].url) == "https://api.example/v1/webhooks/events"


@pytest.fixture
def lambda_chatbot(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("CV_ANALYTICS_URL", "https://api.example")
    monkeypatch.setenv("CV_ANALYTICS_WEBHOOK_KEY", "k" * 64)
    return runpy.run_path(str(EXAMPLE.with_name("chatbot_lambda.py")))


def test_on_lambda_both_halves_are_delivered_before_the_handler_returns(
    lambda_chatbot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[httpx.Request] = []

    def processor(request: httpx.Request) -> httpx.Response:
        threading.Event().wait(0.05)  # a network
        requests.append(request)
        return httpx.Response(202, json={})

    client = partial(httpx.Client, transport=httpx.MockTransport(processor))
    monkeypatch.setattr(httpx, "Client", client)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for _ in range(2):
        asked = json.dumps({"question": "Python?", "sessionId": "s1"})
        given = lambda_chatbot["handler"]({"body": asked, "headers": {"traceparent": trace}}, None)
        delivered = [one for request in requests for one in json.loads(request.content)["events"]]
        assert [one["eventType"] for one in delivered] == ["query", "response"]
        assert {one["traceparent"] for one in delivered} == {trace}
        assert json.loads(given["body"])["score"] == 93
        requests.clear()
    lambda_chatbot["producer"]().close()


def test_on_lambda_an_unreachable_service_delays_the_answer_by_the_flush_alone(
    lambda_chatbot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(
        httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(nobody))
    )
    lambda_chatbot["handler"].__globals__["FLUSH_SECONDS"] = 0.05
    given = lambda_chatbot["handler"]({"body": json.dumps({"question": "Go?"})}, None)
    assert json.loads(given["body"])["score"] == 0
    lambda_chatbot["producer"]().close(0)
    assert lambda_chatbot["producer"]().counts().undelivered == 2
