"""What a chatbot needs to report its questions: fire and forget, and never in the chatbot's way.

>>> sent = []
>>> def deliver(body: bytes) -> Reply:
...     sent.append(body)
...     return Reply(202, b'{"accepted": [{"index": 0, "requestId": "q1"}], "rejected": []}')
>>> with Producer(deliver) as producer:
...     producer.asked(request_id="q1", query="Do you know Kubernetes?", session_id="s1")
True
>>> producer.counts().accepted
1

`asked` and `answered` put an event into a bounded buffer and return at once; a thread sends what is
there, up to 100 events a time, and tries again with full jitter. Nothing is ever raised into the
chatbot: what could not be sent is dropped, and `counts` says how many and why.
"""

from __future__ import annotations

import logging
import os
import random as random_module
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from weakref import WeakMethod

from cv_contracts import webhook
from cv_contracts._base import ContractModel
from cv_contracts._retry import Backoff
from cv_contracts._types import MatchType
from cv_contracts.chatbot import (
    Performance,
    QueryEvent,
    QueryMetadata,
    ResponseEvent,
    ResponseMetadata,
)
from cv_contracts.rest import Submission

if TYPE_CHECKING:
    import httpx

__all__ = ["Counts", "Deliver", "Producer", "Reply", "http_delivery", "webhook_delivery"]

EVENTS_PATH = "/v1/events"
MAX_BATCH = 100
MAX_BODY_BYTES = 64_000
_ACCEPTED, _TOO_MANY, _SERVER_ERROR = 202, 429, 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """The service's answer to one delivery."""

    status: int
    body: bytes = b""


class Deliver(Protocol):
    """Sends a JSON body once; raises (anything) if there was no answer."""

    def __call__(self, body: bytes, /) -> Reply:
        """The answer."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """Every event ends in one of these, or is still buffered.

    `invalid`: refused by the contract before it was buffered. `overflow`: the buffer was full.
    `rejected`: the service said no, for good. `undelivered`: all tries failed, time ran out, or an
    answer named the event nowhere.
    """

    accepted: int = 0
    invalid: int = 0
    overflow: int = 0
    rejected: int = 0
    undelivered: int = 0

    @property
    def dropped(self) -> int:
        """How many events did not reach the service's queue."""
        return self.invalid + self.overflow + self.rejected + self.undelivered


class Producer:
    """Sends events behind the chatbot's back. One instance per process; `close` it at the end.

    `capacity` bounds the buffer, in events. `wait` pauses between tries (by default until `close`
    is called, so that closing is not held up); `random` returns [0, 1); `now` is in seconds.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        capacity: int = 1_000,
        backoff: Backoff | None = None,
        wait: Callable[[float], object] | None = None,
        random: Callable[[], float] = random_module.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._deliver = deliver
        self._capacity = capacity
        self._backoff = backoff or Backoff(attempts=6, base=0.5, cap=30.0)
        self._wait = wait or self._until_closing
        self._random, self._now = random, now
        self._begin()
        if hasattr(os, "register_at_fork"):
            begin = WeakMethod(self._begin)
            os.register_at_fork(after_in_child=lambda: (again := begin()) and again())

    def _begin(self) -> None:
        """Also in a forked child, where a lock may have stayed locked by a thread of the parent;
        what the parent has in its buffer is the parent's to send."""
        self._closing = threading.Event()
        self._buffer: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._counts = Counts()
        self._worker: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def asked(
        self,
        *,
        request_id: str,
        query: str,
        session_id: str | None = None,
        metadata: QueryMetadata | None = None,
        timestamp: int | None = None,
    ) -> bool:
        """A visitor asked. `timestamp` in ms, now by default. False if the event was dropped."""
        return self._emit(
            lambda: QueryEvent(
                request_id=request_id,
                timestamp=self._millis(timestamp),
                session_id=session_id,
                query=query,
                metadata=metadata,
            )
        )

    def answered(
        self,
        *,
        request_id: str,
        match_type: MatchType,
        match_score: int,
        reasoning: str | None = None,
        session_id: str | None = None,
        vector_matches: int | None = None,
        performance: Performance | None = None,
        metadata: ResponseMetadata | None = None,
        timestamp: int | None = None,
    ) -> bool:
        """The chatbot answered. `timestamp` in ms, now by default. False if it was dropped."""
        return self._emit(
            lambda: ResponseEvent(
                request_id=request_id,
                timestamp=self._millis(timestamp),
                session_id=session_id,
                match_type=match_type,
                match_score=match_score,
                reasoning=reasoning,
                vector_matches=vector_matches,
                performance=performance,
                metadata=metadata,
            )
        )

    def counts(self) -> Counts:
        """What became of the events so far."""
        with self._changed:
            return self._counts

    def close(self, timeout: float = 5.0) -> None:
        """Send what is buffered, for at most `timeout` seconds; the rest counts as undelivered."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join(timeout)
        with self._changed:
            left = len(self._buffer)
            self._buffer.clear()
        self._count(undelivered=left)

    def _until_closing(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _millis(self, timestamp: int | None) -> int:
        return int(self._now() * 1_000) if timestamp is None else timestamp

    def _emit(self, build: Callable[[], ContractModel]) -> bool:
        try:
            document = build().to_json().encode()
        except Exception as error:  # noqa: BLE001 (whatever it is, the chatbot must go on)
            self._drop("invalid", error)
            return False
        with self._changed:
            room = len(self._buffer) < self._capacity and not self._closing.is_set()
            if room:
                self._buffer.append(document)
                self._ensure_worker()
                self._changed.notify()
        if not room:
            self._count(overflow=1)
        return room

    def _drop(self, kind: str, error: Exception, number: int = 1) -> None:
        """Count, and name the kind of error; its text could repeat the question."""
        self._count(**{kind: number})
        _log.warning("%d event(s) dropped, %s: %s", number, kind, type(error).__name__)

    def _count(self, **more: int) -> None:
        with self._changed:
            grown = {name: getattr(self._counts, name) + number for name, number in more.items()}
            self._counts = replace(self._counts, **grown)

    def _ensure_worker(self) -> None:
        """Lazily, so that a server that forks after import has its thread in the child.

        Where no thread can be had, at the interpreter's end or the system's limit, the event stays
        in the buffer: the next one tries again, and `close` counts what is left.
        """
        if self._worker is not None and self._worker.is_alive():
            return
        worker = threading.Thread(target=self._run, name="cv-producer", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            _log.warning("no thread to send events: %s", error)
        else:
            self._worker = worker

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._deliver_batch(batch)
            except Exception as error:  # noqa: BLE001 (the thread must outlive every fault)
                self._drop("undelivered", error, len(batch))

    def _take(self) -> list[bytes]:
        """Wait for events; an empty list means closed and nothing left."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._closing.is_set())
            return list(_fitting(self._buffer))

    def _deliver_batch(self, batch: list[bytes]) -> None:
        body = b'{"events":[' + b",".join(batch) + b"]}"
        reply = self._persistently(body)
        if reply.status == _ACCEPTED:
            submission = Submission.read_json(reply.body)
            accepted, rejected = len(submission.accepted), len(submission.rejected)
            unknown = max(len(batch) - accepted - rejected, 0)  # the answer names them nowhere
            self._count(accepted=accepted, rejected=rejected, undelivered=unknown)
        elif _again(reply.status):
            self._count(undelivered=len(batch))
        else:
            self._count(rejected=len(batch))

    def _persistently(self, body: bytes) -> Reply:
        """The first answer that trying again would not better, or the last one."""
        for retry in range(self._backoff.attempts - 1):
            try:
                reply = self._deliver(body)
            except Exception as error:  # noqa: BLE001 (a transport may raise anything)
                _log.info("delivery failed, trying again: %s", type(error).__name__)
            else:
                if not _again(reply.status):
                    return reply
            self._wait(self._backoff.delay(retry, self._random))
        return self._deliver(body)


def _again(status: int) -> bool:
    """Whether the same request could fare better later."""
    return status == _TOO_MANY or status >= _SERVER_ERROR


def _fitting(buffer: deque[bytes]) -> Iterator[bytes]:
    """Take from the buffer what one request may carry."""
    size = number = 0
    while buffer and number < MAX_BATCH and (not number or size + len(buffer[0]) < MAX_BODY_BYTES):
        document = buffer.popleft()
        size += len(document) + 1
        number += 1
        yield document


def http_delivery(http: httpx.Client, base_url: str) -> Deliver:
    """Deliver to `POST /v1/events`. The client carries the auth (SigV4) and the time limit."""
    url = base_url.rstrip("/") + EVENTS_PATH

    def deliver(body: bytes, /) -> Reply:
        answer = http.post(url, content=body, headers={"content-type": "application/json"})
        return Reply(answer.status_code, answer.content)

    return deliver


def webhook_delivery(
    http: httpx.Client, base_url: str, key: str, now: Callable[[], float] = time.time
) -> Deliver:
    """Deliver to `POST /v1/webhooks/events`, signed with a key that the Processor knows."""
    url = base_url.rstrip("/") + webhook.PATH

    def deliver(body: bytes, /) -> Reply:
        headers = webhook.sign(key, int(now()), body) | {"content-type": "application/json"}
        answer = http.post(url, content=body, headers=headers)
        return Reply(answer.status_code, answer.content)

    return deliver
