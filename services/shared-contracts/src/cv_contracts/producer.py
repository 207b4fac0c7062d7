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
there, up to 100 events a time, and tries again with full jitter. No argument's value raises
anything into the chatbot: texts are cut, ids and numbers brought into form, and what can't be sent
is dropped; `counts` says how many and why, and the log names the field, never its text.

Where threads stand still between requests, as on AWS Lambda, call `flush` before the answer is
returned (`examples/chatbot_lambda.py`).
"""

from __future__ import annotations

import atexit
import logging
import os
import random as random_module
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID
from weakref import WeakMethod

from pydantic import ValidationError

from cv_contracts import webhook
from cv_contracts._retry import Backoff
from cv_contracts._types import MatchType
from cv_contracts.chatbot import Performance, QueryMetadata, ResponseMetadata, read_chatbot_event
from cv_contracts.errors import reasons
from cv_contracts.rest import Submission

if TYPE_CHECKING:
    import httpx

__all__ = ["Counts", "Deliver", "Producer", "Reply", "http_delivery", "webhook_delivery"]

EVENTS_PATH = "/v1/events"
MAX_BATCH = 100
MAX_BODY_BYTES = 64_000
_ACCEPTED, _UNPROCESSABLE, _TOO_MANY, _SERVER_ERROR = 202, 422, 429, 500
_MOST_REASONS, _LONGEST_REASON = 5, 200

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
    """Every event of this process is in exactly one of these, whatever happens.

    `invalid`: refused by the contract before it was buffered. `overflow`: the buffer was full, or
    the producer closed. `rejected`: the service refused it for good. `undelivered`: all tries
    failed, an answer named the event nowhere, or `close` ended before an answer came. `pending`:
    buffered or on its way.
    """

    accepted: int = 0
    invalid: int = 0
    overflow: int = 0
    rejected: int = 0
    undelivered: int = 0
    pending: int = 0

    @property
    def total(self) -> int:
        """How many events were given to `asked` and `answered`."""
        return sum(astuple(self))

    @property
    def dropped(self) -> int:
        """How many events will not reach the service's queue."""
        return self.total - self.accepted - self.pending


class Producer:
    """Sends events without holding up the chatbot. One instance per process; `close` it at the end.

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
        self._closing = threading.Event()
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(WeakMethod(self._begin)))
        atexit.register(_weakly(WeakMethod(self._at_exit)))

    def _begin(self) -> None:
        """Also in a forked child, where a lock may have stayed locked by a thread of the parent;
        what the parent has buffered or counted is the parent's. Closed stays closed."""
        closed = self._closing.is_set()
        self._closing = threading.Event()
        if closed:
            self._closing.set()
        self._buffer: deque[bytes] = deque()
        self._sending: list[bytes] = []
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
        request_id: str | UUID,
        query: str,
        session_id: str | UUID | None = None,
        metadata: QueryMetadata | Mapping[str, Any] | None = None,
        traceparent: str | None = None,
        timestamp: float | None = None,
    ) -> bool:
        """A visitor asked. `timestamp` in ms, now by default. False if the event was dropped.

        A mapping for `metadata` has the names of the wire (`userAgent`).
        """
        return self._emit(
            eventType="query",
            requestId=request_id,
            timestamp=timestamp,
            sessionId=session_id,
            query=query,
            metadata=metadata,
            traceparent=traceparent,
        )

    def answered(
        self,
        *,
        request_id: str | UUID,
        match_type: MatchType,
        match_score: float,
        reasoning: str | None = None,
        session_id: str | UUID | None = None,
        vector_matches: int | None = None,
        performance: Performance | Mapping[str, Any] | None = None,
        metadata: ResponseMetadata | Mapping[str, Any] | None = None,
        traceparent: str | None = None,
        timestamp: float | None = None,
    ) -> bool:
        """The chatbot answered. `timestamp` in ms, now by default. False if it was dropped.

        Mappings for `performance` and `metadata` have the names of the wire (`totalTime`).
        """
        return self._emit(
            eventType="response",
            requestId=request_id,
            timestamp=timestamp,
            sessionId=session_id,
            matchType=match_type,
            matchScore=match_score,
            reasoning=reasoning,
            vectorMatches=vector_matches,
            performance=performance,
            metadata=metadata,
            traceparent=traceparent,
        )

    def counts(self) -> Counts:
        """What became of the events so far."""
        with self._changed:
            return replace(self._counts, pending=len(self._buffer) + len(self._sending))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until nothing is pending, for at most `timeout` seconds; False if something is.

        On Lambda, call it before the handler returns: threads stand still until the next request.
        """
        with self._changed:
            if self._buffer:
                self._ensure_worker()
            self._changed.wait_for(self._settled, timeout)
            return not (self._buffer or self._sending)

    def close(self, timeout: float = 5.0) -> None:
        """Send what is buffered, for at most `timeout` seconds; the rest counts as undelivered.

        A delivery that is still on its way then may arrive all the same; it is not counted again.
        """
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(self._settled, timeout)
            left = len(self._buffer) + len(self._sending)
            self._buffer.clear()
            self._sending = []
            self._count(undelivered=left)

    def _settled(self) -> bool:
        """Whether there is nothing to wait for; without a thread nothing more will be sent."""
        return not (self._buffer or self._sending) or not self._running()

    def _running(self) -> bool:
        return self._worker is not None and self._worker.is_alive()

    def _at_exit(self) -> None:
        """Without `close` nobody would know what was lost."""
        if pending := self.counts().pending:
            _log.warning("%d event(s) lost at exit: close the producer before", pending)

    def _until_closing(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _emit(self, **fields: Any) -> bool:
        try:
            document = self._document(fields)
        except Exception as error:  # noqa: BLE001 (whatever it is, the chatbot must go on)
            self._drop("invalid", 1, _why(error))
            return False
        with self._changed:
            room = len(self._buffer) < self._capacity and not self._closing.is_set()
            if room:
                self._buffer.append(document)
                self._ensure_worker()
                self._changed.notify_all()
            else:
                self._count(overflow=1)
        return room

    def _document(self, fields: dict[str, Any]) -> bytes:
        """The event's JSON, as the contract has it."""
        given = {name: _plain(value) for name, value in fields.items() if value is not None}
        given.setdefault("timestamp", int(self._now() * 1_000))
        return read_chatbot_event(given).to_json().encode()

    def _drop(self, kind: str, number: int, why: str) -> None:
        """Count and log. `why` has nothing of a question."""
        with self._changed:
            self._count(**{kind: number})
        _log.warning("%d event(s) dropped, %s: %s", number, kind, why)

    def _count(self, **more: int) -> None:
        """Only with the lock: an event leaves `pending` and enters its count at once."""
        grown = {name: getattr(self._counts, name) + number for name, number in more.items()}
        self._counts = replace(self._counts, **grown)

    def _ensure_worker(self) -> None:
        """Lazily, so that a server that forks after import has its thread in the child.

        Where no thread can be had, at the interpreter's end or the system's limit, the event stays
        in the buffer: the next one tries again, and `close` counts what is left.
        """
        if self._running():
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
                outcome, why = self._outcome(batch)
            except Exception as error:  # noqa: BLE001 (the thread must outlive every fault)
                outcome, why = {"undelivered": len(batch)}, _why(error)
            self._settle(batch, outcome, why)

    def _take(self) -> list[bytes]:
        """Wait for events; an empty list means closed and nothing left."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._closing.is_set())
            self._sending = list(_fitting(self._buffer))
            return self._sending

    def _settle(self, batch: list[bytes], outcome: dict[str, int], why: str) -> None:
        """Log and count a batch, unless `close` counted it already."""
        if why:
            _log.warning("%d event(s) sent: %s: %s", len(batch), outcome, why)
        with self._changed:
            if self._sending is not batch:
                return
            self._sending = []
            self._count(**outcome)
            self._changed.notify_all()

    def _outcome(self, batch: list[bytes]) -> tuple[dict[str, int], str]:
        """The counts of a batch, and what was wrong with it, if anything."""
        reply = self._persistently(b'{"events":[' + b",".join(batch) + b"]}")
        if reply.status == _ACCEPTED:
            submission = Submission.read_json(reply.body)
            accepted = min(len(submission.accepted), len(batch))
            rejected = min(len(submission.rejected), len(batch) - accepted)
            unnamed = len(batch) - accepted - rejected
            why = _refusals(submission) or ("the answer does not name all" if unnamed else "")
            return {"accepted": accepted, "rejected": rejected, "undelivered": unnamed}, why
        kind = "undelivered" if _again(reply.status) else "rejected"
        return {kind: len(batch)}, f"status {reply.status} {_problem(reply)}".strip()

    def _persistently(self, body: bytes) -> Reply:
        """The first answer that trying again would not better, or the last one."""
        for retry in range(self._backoff.attempts - 1):
            try:
                reply = self._deliver(body)
            except Exception as error:  # noqa: BLE001 (a transport may raise anything)
                _log.info("delivery failed, trying again: %s", _why(error))
            else:
                if not _again(reply.status):
                    return reply
            self._wait(self._backoff.delay(retry, self._random))
        return self._deliver(body)


def _weakly(method: WeakMethod[Callable[[], None]]) -> Callable[[], None]:
    """Calls the method if its object is still there; does not keep it alive."""

    def call() -> None:
        if (bound := method()) is not None:
            bound()

    return call


def _plain(value: Any) -> Any:
    """A value of JSON types."""
    if isinstance(value, QueryMetadata | ResponseMetadata | Performance):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value) if isinstance(value, UUID) else value


def _why(error: Exception) -> str:
    """What was wrong, by field; another error by its kind, for its text could repeat a question."""
    if isinstance(error, ValidationError):
        return "; ".join(reasons(error)[:_MOST_REASONS])
    return type(error).__name__


def _problem(reply: Reply) -> str:
    """The reasons of a submission of which nothing was accepted."""
    if reply.status != _UNPROCESSABLE:
        return ""
    try:
        return _refusals(Submission.read_json(reply.body))
    except ValidationError:
        return ""


def _refusals(submission: Submission) -> str:
    """The service's reasons, which by contract repeat nothing of an event."""
    reasons_given = dict.fromkeys(one.reason[:_LONGEST_REASON] for one in submission.rejected)
    return "; ".join(list(reasons_given)[:_MOST_REASONS])


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
