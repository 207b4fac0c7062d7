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
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cv_contracts import webhook
from cv_contracts._retry import Backoff
from cv_contracts.chatbot import (
    Performance,
    QueryMetadata,
    ResponseMetadata,
    read_chatbot_event,
)
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
    [{"request_id": ""}, {"request_id": None}, {"query": None}, {"query": "\ud800"}],
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


def test_closing_gives_up_after_its_timeout_and_counts_what_is_left_and_on_its_way() -> None:
    gate = threading.Event()

    def stuck(body: bytes, /) -> Reply:
        gate.wait(DEADLINE)
        return Reply(503)

    chat = producer(stuck, backoff=Backoff(attempts=1))
    chat.asked(request_id="first", query="Go?")
    wait_until(lambda: not chat._buffer)
    chat.asked(request_id="second", query="Go?")
    worker = chat._worker
    chat.close(timeout=0.01)
    assert chat.counts() == Counts(undelivered=2)
    assert not chat.asked(request_id="late", query="Go?")
    gate.set()
    assert worker
    worker.join(DEADLINE)
    assert chat.counts() == Counts(undelivered=2, overflow=1)


@pytest.mark.parametrize(
    "odd",
    [
        {"request_id": UUID(int=7)},
        {"request_id": "19:meeting/1|x"},
        {"session_id": ""},
        {"session_id": -1_001_234_567_890},
        {"query": "x" * 4_001},
        {"timestamp": 1_762_161_120_037.5},
        {"metadata": QueryMetadata(user_agent="x" * 1_025)},
        {"metadata": {"userAgent": "x" * 1_025, "referer": "y" * 3_000}},
        {"traceparent": "not one"},
    ],
)
def test_what_the_contract_can_bring_into_form_is_sent(odd: dict[str, Any]) -> None:
    service = Service()
    with producer(service) as chat:
        assert chat.asked(**{"request_id": "r1", "query": "Go?", **odd})
    assert chat.counts() == Counts(accepted=1)
    assert read_chatbot_event(service.events[0]).to_json()


def test_an_answers_numbers_are_brought_into_form() -> None:
    service = Service()
    with producer(service) as chat:
        assert chat.answered(
            request_id="r1",
            match_type="full",
            match_score=57.0,
            performance=Performance(total_time=1720.4),  # type: ignore[arg-type]
            metadata=ResponseMetadata(sources_used=("Docker",)),
            reasoning="x" * 5_000,
        )
        assert chat.answered(
            request_id="r2", match_type="none", match_score=0, performance={"totalTime": 0.5}
        )
    first, second = service.events
    assert (first["matchScore"], first["performance"]["totalTime"]) == (57, 1720)
    assert (len(first["reasoning"]), second["performance"]["totalTime"]) == (4_000, 0)


@given(
    st.fixed_dictionaries(
        {name: st.from_type(object) for name in ("request_id", "query")},
        optional={
            name: st.from_type(object)
            for name in ("session_id", "metadata", "traceparent", "timestamp")
        },
    )
)
def test_no_argument_raises_into_the_chatbot(arguments: dict[str, Any]) -> None:
    with Producer(Service()) as chat:
        assert chat.asked(**arguments) in {True, False}
        answer = {**arguments, "match_type": arguments.pop("query"), "match_score": arguments}
        answer.pop("query")
        assert not chat.answered(**answer)
    assert chat.counts().total == 2


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("canary-91")

    __repr__ = __str__


def test_an_argument_that_can_not_even_be_shown_is_counted() -> None:
    with producer(Service()) as chat:
        assert not chat.asked(request_id="r1", query=Unprintable())  # type: ignore[arg-type]
    assert chat.counts() == Counts(invalid=1)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"match_score": 101}, "matchScore: "),
        ({"match_type": "canary-91"}, "matchType: "),
        ({"request_id": "canary-91" * 40}, "requestId: "),
        ({"performance": {"totalTime": -1}}, "performance.totalTime: "),
    ],
)
def test_the_log_names_the_field_that_was_refused_and_not_its_value(
    change: dict[str, Any], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {"request_id": "r1", "match_type": "full", "match_score": 1, "reasoning": "canary-91"}
    with producer(Service()) as chat:
        assert not chat.answered(**{**answer, **change})
    assert place in caplog.text
    assert "canary-91" not in caplog.text


@pytest.mark.parametrize(
    ("status", "counts"),
    [(202, Counts(accepted=2, rejected=1)), (422, Counts(accepted=1, rejected=2))],
)
def test_the_log_has_the_reasons_of_the_services_refusals(
    status: int, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {
        "title": "Unprocessable Content",
        "accepted": [{"index": 0, "requestId": "r1"}],
        "rejected": [{"index": 1, "reason": "query: the queue cannot carry it"}],
    }
    gate, service = threading.Event(), Service()

    def deliver(body: bytes, /) -> Reply:
        gate.wait(DEADLINE)
        alone = len(json.loads(body)["events"]) == 1
        return service(body) if alone else Reply(status, json.dumps(answer).encode())

    with producer(deliver) as chat:
        chat.asked(request_id="r0", query="Go?")
        wait_until(lambda: not chat._buffer)
        chat.asked(request_id="r1", query="Go?")
        chat.asked(request_id="r2", query="Go?")
        gate.set()
    assert chat.counts() == counts
    assert "query: the queue cannot carry it" in caplog.text


def test_a_caller_s_trace_travels_with_both_halves() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    service = Service()
    with producer(service) as chat:
        chat.asked(request_id="r1", query="Go?", traceparent=trace)
        chat.answered(request_id="r1", match_type="none", match_score=0, traceparent=trace)
    assert [event["traceparent"] for event in service.events] == [trace, trace]


def test_after_a_flush_nothing_is_pending() -> None:
    chat = producer(Service())
    for number in range(250):
        chat.asked(request_id=f"r{number}", query="Go?")
    assert chat.flush(DEADLINE)
    assert chat.counts() == Counts(accepted=250)
    assert chat.flush(0)


def test_a_flush_gives_up_after_its_timeout_and_loses_nothing() -> None:
    gate = threading.Event()
    service = Service()

    def slow(body: bytes, /) -> Reply:
        gate.wait(DEADLINE)
        return service(body)

    chat = producer(slow)
    chat.asked(request_id="r1", query="Go?")
    assert not chat.flush(0.01)
    assert chat.counts() == Counts(pending=1)
    gate.set()
    assert chat.flush(DEADLINE)
    assert chat.counts() == Counts(accepted=1)


def test_a_flush_without_a_thread_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    chat = producer(Service())
    chat.asked(request_id="r1", query="Go?")
    started = time.monotonic()
    assert not chat.flush(DEADLINE)
    assert time.monotonic() - started < 1
    chat.close()


def test_an_exit_without_closing_is_logged() -> None:
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", UNCLOSED], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "1 event(s) lost at exit" in done.stderr


UNCLOSED = """
import logging, threading
from cv_contracts.producer import Producer

logging.basicConfig()
chat = Producer(lambda body: threading.Event().wait())
chat.asked(request_id="r1", query="Go?")
"""


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
