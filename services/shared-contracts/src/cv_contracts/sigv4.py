"""SigV4 for httpx: sign requests to an API with IAM authorisation. Needs the extra `aws`.

>>> from botocore.credentials import Credentials
>>> import httpx
>>> auth = SigV4Auth(Credentials("AKID", "secret"), "eu-west-2")
>>> answered = httpx.MockTransport(lambda request: httpx.Response(200, json=list(request.headers)))
>>> with httpx.Client(auth=auth, transport=answered) as http:
...     "authorization" in http.get("https://api.example/v1/days/2025-11-10").json()
True
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

import httpx
from botocore.auth import SigV4Auth as BotocoreSigner
from botocore.awsrequest import AWSRequest

SERVICE = "execute-api"


class Credentials(Protocol):
    """What a botocore session's `get_credentials()` returns; refreshes itself when frozen."""

    def get_frozen_credentials(self) -> Any:
        """Access key, secret key and token of one moment."""
        ...


class SigV4Auth(httpx.Auth):
    """Signs each try anew, so that a retry has a fresh date and refreshed credentials."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str, service: str = SERVICE) -> None:
        self._credentials = credentials
        self._region = region
        self._service = service

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add `Authorization`, `X-Amz-Date` and, for temporary credentials, the token."""
        signed = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers=_signed_headers(request),
        )
        credentials = self._credentials.get_frozen_credentials()
        BotocoreSigner(credentials, self._service, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


def _signed_headers(request: httpx.Request) -> dict[str, str]:
    """Only what no proxy changes on the way."""
    names = ("host", "content-type")
    return {name: request.headers[name] for name in names if name in request.headers}
