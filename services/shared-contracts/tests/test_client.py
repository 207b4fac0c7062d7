"""The Processor's client: right in the usual case, bounded and honest in every other."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from cv_contracts.client import Backoff, CircuitBreaker, ProcessorClient
from cv_contracts.errors import (
    CircuitOpenError,
    InvalidAnswerError,
    StatusError,
    UnreachableError,
)
from cv_contracts.events import Outcome
from cv_contracts.rest import CorrelationQuery

Answer = Callable[[httpx.Request], httpx.Response]
BASE = "https://api.example/_aws/execute-api/a1/prod/"
DIGEST = {"day": "2025-11-10", "correlations": 4, "digest": "ab"}


class Processor:
    """Answers with the given answers in turn, the last one for ever; keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """Moves when somebody sleeps, and by `step` whenever somebody looks."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step
        self.slept: list[float] = []

    def __call__(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(answer: Answer, clock: Clock | None = None, **options: Any) -> ProcessorClient:
    clock = clock or Clock()
    return ProcessorClient(
        BASE,
        transport=httpx.MockTransport(answer),
        sleep=clock.sleep,
        clock=clock,
        **{"random": lambda: 0.5} | options,
    )


def ok(document: Any) -> httpx.Response:
    return httpx.Response(200, json=document)


def test_a_path_prefix_is_kept_and_an_id_can_not_leave_its_place(
    correlation: dict[str, Any],
) -> None:
    processor = Processor(ok(correlation))
    client(processor).correlation("../../health?x#y")
    assert processor.requests[0].url.raw_path == (
        b"/_aws/execute-api/a1/prod/v1/correlations/..%2F..%2Fhealth%3Fx%23y"
    )


def test_an_unknown_correlation_is_none() -> None:
    assert (
        client(Processor(httpx.Response(404, json={"title": "x", "status": 404}))).correlation("r")
        is None
    )


def test_a_newer_processor_is_read_tolerantly(correlation: dict[str, Any]) -> None:
    read = client(Processor(ok({**correlation, "outcome": "shrug", "mood": 1}))).correlation("r")
    assert read is not None
    assert read.outcome is Outcome.UNKNOWN


def test_health_and_day_and_erasure_are_read() -> None:
    health = {"status": "ok", "service": "s", "version": "1", "commit": "c", "contracts": "1"}
    receipt = {"erasureId": "e", "requestedAt": 1_762_161_120_037, "removed": []}
    assert client(Processor(ok(health))).health().status == "ok"
    assert client(Processor(ok(DIGEST))).day("2025-11-10").correlations == 4
    assert client(Processor(ok(receipt))).erasure("e").erasure_id == "e"
    processor = Processor(httpx.Response(202, json=receipt))
    assert client(processor).erase_session("s 1").removed == ()
    assert processor.requests[0].method == "DELETE"
    assert processor.requests[0].url.raw_path.endswith(b"/v1/sessions/s%201")
    processor = Processor(httpx.Response(202, json=receipt))
    assert client(processor).erase_question("q/1").erasure_id == "e"
    assert processor.requests[0].method == "DELETE"
    assert processor.requests[0].url.raw_path.endswith(b"/v1/correlations/q%2F1")


def test_pages_are_followed_to_the_end_with_the_filters(correlation: dict[str, Any]) -> None:
    processor = Processor(
        ok({"items": [correlation], "nextCursor": "a+/="}), ok({"items": [correlation]})
    )
    query = CorrelationQuery.model_validate({"from": 1_762_161_120_037, "skill": "C# & F#"})
    assert len(list(client(processor).correlations(query))) == 2
    first, second = (request.url.query for request in processor.requests)
    assert first == b"from=1762161120037&skill=C%23%20%26%20F%23"
    assert second == first + b"&cursor=a%2B%2F%3D"


def test_a_cursor_that_comes_twice_is_refused(correlation: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswerError, match="twice"):
        list(client(Processor(ok({"items": [correlation], "nextCursor": "a"}))).correlations())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_with_full_jitter(status: int) -> None:
    clock = Clock()
    processor = Processor(httpx.Response(status), httpx.Response(status), ok(DIGEST))
    assert client(processor, clock).day("2025-11-10").correlations == 4
    assert clock.slept == [0.5 * 0.2, 0.5 * 0.4]


def test_no_connection_is_tried_again_and_then_reported() -> None:
    processor = Processor(httpx.ConnectError("refused"))
    with pytest.raises(UnreachableError, match="ConnectError"):
        client(processor).day("2025-11-10")
    assert len(processor.requests) == 3


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ReadTimeout("silent")])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.999])
def test_an_unreachable_processor_is_asked_again_after_a_share_of_a_bound_that_doubles(
    fault: Exception, share: float
) -> None:
    clock = Clock()
    with pytest.raises(UnreachableError):
        client(Processor(fault), clock, random=lambda: share).day("2025-11-10")
    assert clock.slept == [share * 0.2, share * 0.4]


def test_clients_that_failed_together_come_back_apart() -> None:
    """By default the share is random: no two of twenty wait equally long, none too long."""
    clock = Clock()
    for _ in range(20):
        with pytest.raises(UnreachableError):
            ProcessorClient(
                BASE,
                transport=httpx.MockTransport(Processor(httpx.ConnectError("refused"))),
                sleep=clock.sleep,
                backoff=Backoff(attempts=2),
            ).day("2025-11-10")
    assert len(set(clock.slept)) == 20
    assert 0 <= min(clock.slept) <= max(clock.slept) < 0.2


def test_no_wait_is_longer_than_the_cap() -> None:
    clock = Clock()
    backoff = Backoff(attempts=5, base=1.0, cap=3.0)
    breaker = CircuitBreaker(clock, threshold=5)
    with pytest.raises(UnreachableError):
        client(
            Processor(httpx.ConnectError("refused")),
            clock,
            random=lambda: 1.0,
            backoff=backoff,
            breaker=breaker,
        ).day("2025-11-10")
    assert clock.slept == [1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_lasting_fault_is_not_tried_again(status: int) -> None:
    processor = Processor(httpx.Response(status, json={"title": "No", "status": status}))
    with pytest.raises(StatusError, match="No") as refused:
        client(processor).day("2025-11-10")
    assert refused.value.status == status
    assert len(processor.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    processor = Processor(httpx.Response(302, headers={"location": "https://evil.example/"}))
    with pytest.raises(InvalidAnswerError, match="redirect"):
        client(processor).day("2025-11-10")
    assert len(processor.requests) == 1


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 1_000


def test_an_endless_answer_is_cut_off() -> None:
    processor = Processor(httpx.Response(200, content=endless()))
    with pytest.raises(InvalidAnswerError, match="more than 5000 bytes"):
        client(processor, max_bytes=5_000).day("2025-11-10")


def test_a_dripping_answer_is_cut_off() -> None:
    def dripping(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=endless())

    with pytest.raises(UnreachableError, match="no complete answer within"):
        client(dripping, Clock(step=1.0)).day("2025-11-10")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"])
@pytest.mark.parametrize("status", [200, 503])
def test_a_compressed_answer_is_refused_before_a_byte_of_it_is_read(
    status: int, encoding: str
) -> None:
    """What was inflated before it is counted would be past every bound."""
    read: list[bytes] = []

    def bomb() -> Iterator[bytes]:
        read.append(gzip.compress(b" " * 1_000_000))
        yield read[-1]

    headers = {"content-encoding": encoding}
    processor = Processor(httpx.Response(status, headers=headers, content=bomb()))
    with pytest.raises(InvalidAnswerError, match="compressed"):
        client(processor, max_bytes=5_000).day("2025-11-10")
    assert read == []
    assert len(processor.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"day": "canary"}', b"\xff", b"[" * 5_000]
)
def test_an_answer_that_is_not_the_model_is_refused_without_being_repeated(body: bytes) -> None:
    with pytest.raises(InvalidAnswerError, match="DayDigest") as refused:
        client(Processor(httpx.Response(200, content=body))).day("2025-11-10")
    assert "canary" not in str(refused.value)


def test_a_service_that_is_down_costs_one_fast_error_until_it_is_back() -> None:
    clock = Clock()
    processor = Processor(*[httpx.Response(503)] * 6, ok(DIGEST))
    breaker = CircuitBreaker(clock, threshold=6, cool_down=30)
    api = client(processor, clock, breaker=breaker)
    for _ in range(2):
        with pytest.raises(StatusError):
            api.day("2025-11-10")
    with pytest.raises(CircuitOpenError) as refused:
        api.day("2025-11-10")
    assert len(processor.requests) == 6
    clock.sleep(refused.value.retry_after)
    assert api.day("2025-11-10").correlations == 4
    assert api.day("2025-11-10").correlations == 4


def test_a_failed_trial_opens_the_circuit_again() -> None:
    clock = Clock()
    api = client(
        Processor(httpx.Response(503)),
        clock,
        backoff=Backoff(attempts=1),
        breaker=CircuitBreaker(clock, threshold=1, cool_down=30),
    )
    for expected in (StatusError, CircuitOpenError):
        with pytest.raises(expected):
            api.day("2025-11-10")
    clock.sleep(31)
    for expected in (StatusError, CircuitOpenError):
        with pytest.raises(expected):
            api.day("2025-11-10")


def test_a_refused_request_does_not_open_the_circuit() -> None:
    api = client(Processor(httpx.Response(403)))
    for _ in range(20):
        with pytest.raises(StatusError):
            api.day("2025-11-10")


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    processor = Processor(ok(DIGEST))
    client(processor).day("2025-11-10")
    assert (
        json.loads(httpx.Response(200, json=dict(processor.requests[0].headers)).content)[
            "accept-encoding"
        ]
        == "identity"
    )
