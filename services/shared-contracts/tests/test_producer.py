"""The chatbot's producer: nothing reaches the chatbot, every event is accounted for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cv_contracts import webhook
from cv_contracts._retry import Backoff
from cv_contracts.chatbot import read_chatbot_event
from cv_contracts.producer import (
    Counts,
    Producer,
    Reply,
    http_delivery,
    webhook_delivery,
)

DEADLINE = 10.0


class Service:
    """Accepts everything, or answers as told; keeps the events that it accepted."""

    def __init__(self, *statuses: int | Exception) -> None:
        self.events: list[dict[str, Any]] = []
        self.calls = 0
        self._statuses = list(statuses)

    def __call__(self, body: bytes, /) -> Reply:
        self.calls += 1
        status = self._statuses.pop(0) if self._statuses else 202
        if isinstance(status, Exception):
            raise status
        if status != 202:
            return Reply(status, b"{}")
        events = json.loads(body)["events"]
        self.events += events
        accepted = [{"index": at, "requestId": one["requestId"]} for at, one in enumerate(events)]
        return Reply(202, json.dumps({"accepted": accepted, "rejected": []}).encode())


def producer(deliver: Any, **options: Any) -> Producer:
    return Producer(deliver, wait=lambda _: None, now=lambda: 1_762_161_120.037, **options)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "not within the deadline"
        threading.Event().wait(0.001)


def test_both_halves_arrive_as_the_contract_says_in_order() -> None:
    service = Service()
    with producer(service) as chat:
        assert chat.asked(request_id="r1", query="Kubernetes?", session_id="s1")
        assert chat.answered(request_id="r1", match_type="none", match_score=12, session_id="s1")
    assert [read_chatbot_event(event).event_type for event in service.events] == [
        "query",
        "response",
    ]
    assert service.events[0]["timestamp"] == 1_762_161_120_037
    assert chat.counts() == Counts(accepted=2)


@pytest.mark.parametrize(
    "wrong",
    [{"request_id": ""}, {"request_id": None}, {"query": "x" * 4_001}, {"query": "\ud800"}],
)
def test_a_bad_event_is_counted_and_never_raised(
    wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with producer(Service()) as chat, caplog.at_level(logging.DEBUG):
        assert not chat.asked(**{"request_id": "r1", "query": "canary-91", **wrong})
    assert chat.counts() == Counts(invalid=1)
    assert "canary-91" not in caplog.text


def test_a_passing_fault_is_tried_again_until_it_passes() -> None:
    service = Service(503, ConnectionError(), 429)
    with producer(service) as chat:
        chat.asked(request_id="r1", query="Go?")
    assert chat.counts() == Counts(accepted=1)
    assert service.calls == 4


@pytest.mark.parametrize("fault", [503, ConnectionError("down")])
def test_after_the_last_try_the_events_are_counted_as_undelivered(fault: int | Exception) -> None:
    with producer(Service(*[fault] * 3), backoff=Backoff(attempts=3)) as chat:
        chat.asked(request_id="r1", query="Go?")
    assert chat.counts() == Counts(undelivered=1)


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415, 422])
def test_a_lasting_refusal_is_not_tried_again(status: int) -> None:
    service = Service(status)
    with producer(service) as chat:
        chat.asked(request_id="r1", query="Go?")
    assert chat.counts() == Counts(rejected=1)
    assert service.calls == 1


def test_an_answer_that_nobody_understands_does_not_stop_the_producer() -> None:
    answers = [Reply(202, b"<html>"), Reply(202, b'{"accepted":[{"index":0,"requestId":"r2"}]}')]
    chat = producer(lambda body: answers.pop(0))
    chat.asked(request_id="r1", query="Go?")
    wait_until(lambda: chat.counts().undelivered == 1)
    chat.asked(request_id="r2", query="Go?")
    wait_until(lambda: chat.counts().accepted == 1)
    chat.close()


def test_events_that_an_answer_does_not_name_are_undelivered() -> None:
    with producer(lambda _: Reply(202, b"{}")) as chat:
        chat.asked(request_id="r1", query="Go?")
    assert chat.counts() == Counts(undelivered=1)


def test_without_a_thread_nothing_is_raised_and_the_event_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    service = Service()
    chat = producer(service)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert chat.asked(request_id="r1", query="Go?")
    assert chat.asked(request_id="r2", query="Go?")
    chat.close()
    assert chat.counts() == Counts(accepted=2)


def test_closing_without_a_thread_counts_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with producer(Service()) as chat:
        chat.asked(request_id="r1", query="Go?")
    assert chat.counts() == Counts(undelivered=1)


def test_a_forked_child_has_a_producer_of_its_own_whatever_the_parent_was_doing() -> None:
    """The lock is held and events wait at the moment of the fork."""
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["child", "1", "parent", "1"]), done.stderr


FORKED = """
import json, os, signal, threading
from cv_contracts.producer import Producer, Reply

gate = threading.Event()

def deliver(body):
    gate.wait(30)
    events = json.loads(body)["events"]
    accepted = [{"index": at, "requestId": e["requestId"]} for at, e in enumerate(events)]
    return Reply(202, json.dumps({"accepted": accepted}).encode())

chat = Producer(deliver)
chat.asked(request_id="parent", query="Go?")
with chat._changed:
    child = os.fork()
if child == 0:
    signal.alarm(20)
    gate.set()
    chat.asked(request_id="child", query="Go?")
    chat.close()
    print("child", chat.counts().accepted, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
gate.set()
chat.close()
print("parent", chat.counts().accepted, flush=True)
raise SystemExit(status)
"""


def test_retries_wait_with_full_jitter() -> None:
    waits: list[float] = []
    chat = Producer(
        Service(503, 503, 503),
        wait=waits.append,
        random=lambda: 0.5,
        backoff=Backoff(attempts=4, base=1.0, cap=3.0),
    )
    chat.asked(request_id="r1", query="Go?")
    chat.close()
    assert waits == [0.5, 1.0, 1.5]


def test_a_full_buffer_drops_and_counts_and_the_chatbot_never_waits() -> None:
    gate = threading.Event()
    service = Service()

    def slow(body: bytes, /) -> Reply:
        gate.wait(DEADLINE)
        return service(body)

    chat = producer(slow, capacity=5)
    chat.asked(request_id="first", query="Go?")
    wait_until(lambda: not chat._buffer)
    started = time.monotonic()
    kept = [chat.asked(request_id=f"r{number}", query="Go?") for number in range(8)]
    assert time.monotonic() - started < 1
    assert kept == [True] * 5 + [False] * 3
    gate.set()
    chat.close()
    assert chat.counts() == Counts(accepted=6, overflow=3)
    assert chat.counts().dropped == 3


def test_closing_gives_up_after_its_timeout_and_counts_what_is_left() -> None:
    gate = threading.Event()

    def stuck(body: bytes, /) -> Reply:
        gate.wait(DEADLINE)
        return Reply(503)

    chat = producer(stuck, backoff=Backoff(attempts=1))
    chat.asked(request_id="first", query="Go?")
    wait_until(lambda: not chat._buffer)
    chat.asked(request_id="second", query="Go?")
    chat.close(timeout=0.01)
    assert chat.counts() == Counts(undelivered=1)
    assert not chat.asked(request_id="late", query="Go?")
    gate.set()
    wait_until(lambda: chat.counts().undelivered == 2)


def test_a_request_keeps_the_apis_limits() -> None:
    bodies: list[bytes] = []
    service = Service()

    def noting(body: bytes, /) -> Reply:
        bodies.append(body)
        return service(body)

    with producer(noting) as chat:
        for number in range(250):
            chat.asked(request_id=f"r{number}", query="é" * (number * 16 + 1))
    assert chat.counts() == Counts(accepted=250)
    assert max(len(body) for body in bodies) <= 64 * 1024
    assert max(len(json.loads(body)["events"]) for body in bodies) <= 100


def test_deliveries_go_to_the_api_and_to_the_webhook_signed() -> None:
    requests: list[httpx.Request] = []

    def processor(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(202, json={"accepted": [], "rejected": []})

    with httpx.Client(transport=httpx.MockTransport(processor)) as http:
        http_delivery(http, "https://api.example/prod/")(b"{}")
        webhook_delivery(http, "https://api.example/prod", "k" * 64, lambda: 1_762_161_120.9)(b"{}")
    direct, signed = requests
    assert direct.url.path == "/prod/v1/events"
    assert signed.url.path == "/prod/v1/webhooks/events"
    webhook.verify(["k" * 64], dict(signed.headers), signed.content, now=1_762_161_121)
