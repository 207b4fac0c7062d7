"""A typed client of the Processor's API, for consumers that must keep working when it does not.

>>> import httpx
>>> def processor(request: httpx.Request) -> httpx.Response:
...     return httpx.Response(200, json={"day": "2025-11-10", "correlations": 4, "digest": "ab"})
>>> transport = httpx.MockTransport(processor)
>>> with ProcessorClient("https://api.example/prod", transport=transport) as api:
...     api.day("2025-11-10").correlations
4

Every call has a time limit for the whole answer, is tried again with full jitter where that can
help, fails at once while the circuit is open, follows no redirect, reads at most `max_bytes`, and
parses with tolerant readers. It raises the errors below `cv_contracts.errors.ApiError`.
"""

from __future__ import annotations

import random as random_module
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import httpx

from cv_contracts._caller import Caller
from cv_contracts._events import Correlation
from cv_contracts._retry import Backoff, CircuitBreaker
from cv_contracts.errors import InvalidAnswerError, StatusError
from cv_contracts.rest import CorrelationPage, CorrelationQuery, DayDigest, Erasure, Health

__all__ = ["Backoff", "CircuitBreaker", "ProcessorClient"]

MAX_BYTES = 8 * 1024 * 1024
MAX_PAGES = 100_000
_NOT_FOUND = 404


class ProcessorClient:
    """Calls the Processor's API. Use it as a context manager, or call `close`.

    `base_url` may carry a path prefix (an API stage). `timeout` (seconds) bounds the wait for a
    connection, for the answer's head, and for the whole of its body. `sleep`, `random` and `clock`
    are the outside world.
    """

    def __init__(
        self,
        base_url: str,
        auth: httpx.Auth | None = None,
        *,
        timeout: float = 5.0,
        backoff: Backoff | None = None,
        breaker: CircuitBreaker | None = None,
        max_bytes: int = MAX_BYTES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_module.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._caller = Caller(
            base_url,
            _http_client(auth, timeout, transport),
            timeout=timeout,
            max_bytes=max_bytes,
            backoff=backoff or Backoff(),
            breaker=breaker or CircuitBreaker(clock),
            sleep=sleep,
            random=random,
            clock=clock,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()

    def health(self) -> Health:
        """What the Processor runs."""
        return self._caller.call("GET", "/health", Health)

    def day(self, day: str) -> DayDigest:
        """How many correlations of a UTC day (YYYY-MM-DD) closed, and their digest."""
        return self._caller.call("GET", f"/v1/days/{_segment(day)}", DayDigest)

    def correlation(self, request_id: str) -> Correlation | None:
        """One correlation; `None` if the Processor has none of that id."""
        try:
            path = f"/v1/correlations/{_segment(request_id)}"
            return self._caller.call("GET", path, Correlation)
        except StatusError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def correlations_page(self, query: CorrelationQuery | None = None) -> CorrelationPage:
        """One page of the correlations that the filters select."""
        return self._caller.call("GET", f"/v1/correlations{_query_string(query)}", CorrelationPage)

    def correlations(self, query: CorrelationQuery | None = None) -> Iterator[Correlation]:
        """All correlations that the filters select, page by page.

        A cursor that comes twice, or no end after `MAX_PAGES`, raises `InvalidAnswerError`: a
        faulty service must not hold its consumer for ever.
        """
        query = query or CorrelationQuery()
        seen: set[str] = set()
        while len(seen) < MAX_PAGES:
            page = self.correlations_page(query)
            yield from page.items
            if page.next_cursor is None:
                return
            if page.next_cursor in seen:
                raise InvalidAnswerError("a cursor came twice")
            seen.add(page.next_cursor)
            query = query.model_copy(update={"cursor": page.next_cursor})
        raise InvalidAnswerError(f"no end after {MAX_PAGES} pages")

    def erase_session(self, session_id: str) -> Erasure:
        """Ask the Processor to forget a session, everywhere; the receipt names the erasure."""
        return self._caller.call("DELETE", f"/v1/sessions/{_segment(session_id)}", Erasure)

    def erase_question(self, request_id: str) -> Erasure:
        """Ask the Processor to forget one question, everywhere; the receipt names the erasure.

        A Processor from before 1.5.0 of the contracts answers 404 or 405.
        """
        return self._caller.call("DELETE", f"/v1/correlations/{_segment(request_id)}", Erasure)

    def erasure(self, erasure_id: str) -> Erasure:
        """The receipt of an erasure, with the services' counts that have arrived."""
        return self._caller.call("GET", f"/v1/erasures/{_segment(erasure_id)}", Erasure)


def _http_client(
    auth: httpx.Auth | None, timeout: float, transport: httpx.BaseTransport | None
) -> httpx.Client:
    """No proxies and no credentials from the environment: the address and `auth` say it all."""
    return httpx.Client(
        auth=auth,
        timeout=timeout,
        transport=transport,
        follow_redirects=False,
        trust_env=False,
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )


def _segment(text: str) -> str:
    """One path segment. Everything is encoded, so that an id can't climb out of its place."""
    return quote(text, safe="")


def _query_string(query: CorrelationQuery | None) -> str:
    """Encoded as SigV4 wants it: percent signs, no plus."""
    if query is None:
        return ""
    given = query.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return "?" + urlencode(given, quote_via=quote, safe="") if given else ""
