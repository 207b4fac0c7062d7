"""One HTTP call made safe: bounded in time and size, repeated where it helps, not redirected."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import random
from typing import TypeVar

import httpx
from pydantic import ValidationError

from cv_contracts._base import ContractModel
from cv_contracts._retry import Backoff, CircuitBreaker
from cv_contracts.errors import InvalidAnswerError, StatusError, UnreachableError, reasons
from cv_contracts.rest import Problem

Model = TypeVar("Model", bound=ContractModel)

_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECT, _ERROR = 300, 400


class Caller:
    """Calls below one base address. Only idempotent methods: every call may be made again."""

    def __init__(
        self,
        base_url: str,
        http: httpx.Client,
        *,
        timeout: float,
        max_bytes: int,
        backoff: Backoff,
        breaker: CircuitBreaker,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._backoff = backoff
        self._breaker = breaker
        self._sleep, self._random, self._clock = sleep, random, clock

    def call(self, method: str, path: str, model: type[Model]) -> Model:
        """The answer, parsed by a tolerant reader. Raises an `ApiError`."""
        body = self._persistently(method, self._base_url + path)
        try:
            return model.read_json(body)
        except ValidationError as error:
            raise InvalidAnswerError(
                f"the answer is no {model.__name__}: {reasons(error)[:5]}"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _persistently(self, method: str, url: str) -> bytes:
        """Try until there is an answer, the attempts are used up, or trying again can't help."""
        for retry in range(self._backoff.attempts - 1):
            try:
                return self._guarded(method, url)
            except UnreachableError:
                self._sleep(self._backoff.delay(retry, self._random))
            except StatusError as error:
                if error.status not in _RETRIED:
                    raise
                self._sleep(self._backoff.delay(retry, self._random))
        return self._guarded(method, url)

    def _guarded(self, method: str, url: str) -> bytes:
        """One try that the circuit breaker permits and learns from."""
        self._breaker.check()
        try:
            body = self._once(method, url)
        except StatusError as error:
            self._breaker.record(healthy=error.status not in _RETRIED)
            raise
        except (UnreachableError, InvalidAnswerError):
            self._breaker.record(healthy=False)
            raise
        self._breaker.record(healthy=True)
        return body

    def _once(self, method: str, url: str) -> bytes:
        try:
            with self._http.stream(method, url) as response:
                body = self._body(response)
        except httpx.TransportError as error:
            raise UnreachableError(f"{type(error).__name__} from the service") from error
        if response.status_code >= _ERROR:
            raise StatusError(response.status_code, _title(response, body))
        if response.status_code >= _REDIRECT:
            raise InvalidAnswerError(f"a redirect ({response.status_code}), which is not followed")
        return body

    def _body(self, response: httpx.Response) -> bytes:
        """Read the answer within the limits. A drip of bytes keeps no caller past its timeout."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise InvalidAnswerError("a compressed answer, which was not asked for")
        end = self._clock() + self._timeout
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._max_bytes:
                raise InvalidAnswerError(f"an answer of more than {self._max_bytes} bytes")
            if self._clock() > end:
                raise UnreachableError(f"no complete answer within {self._timeout} s")
        return bytes(body)


def _title(response: httpx.Response, body: bytes) -> str:
    """The problem's title if the service sent one; a hostile answer's text is cut."""
    try:
        return Problem.read_json(body).title[:200]
    except ValidationError:
        return response.reason_phrase
