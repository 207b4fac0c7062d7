"""HTTP for the contracts' client by urllib3, which the AWS SDK has loaded anyway.

httpx brings a connection pool, a parser and a second set of certificates of its own, a tenth of the
report's cold start. The transport sends and reads; limits, repeats and redirects stay the client's.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from botocore.httpsession import where
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as TookTooLongError

CHUNK_BYTES = 65_536


class Urllib3Transport(httpx.BaseTransport):
    """Certificates are verified against the bundle that the AWS SDK uses; no proxy, no retry."""

    def __init__(self) -> None:
        self._pool = PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=where())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the answer's body is read as it comes. Raises `TransportError`."""
        seconds = request.extensions.get("timeout", {})
        try:
            answer = self._pool.urlopen(
                request.method,
                str(request.url),
                body=request.read(),
                headers=dict(request.headers),
                timeout=Timeout(connect=seconds.get("connect"), read=seconds.get("read")),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise _failure(error) from error
        return httpx.Response(
            answer.status, headers=list(answer.headers.items()), stream=_Body(answer)
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class _Body(httpx.SyncByteStream):
    """Bytes as soon as there are some, so that the client's time limit sees every drip."""

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._answer.read1(CHUNK_BYTES, decode_content=False):
                yield chunk
        except HTTPError as error:
            raise _failure(error) from error

    def close(self) -> None:
        self._answer.close()


def _failure(error: HTTPError) -> httpx.TransportError:
    """The same by httpx's names, without a message: it would carry the address."""
    name = type(error).__name__
    return httpx.ReadTimeout(name) if isinstance(error, TookTooLongError) else httpx.ReadError(name)
