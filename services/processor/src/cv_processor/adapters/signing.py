"""The requests that our clients make, built and signed in one step: JSON, posted to one place.

botocore builds a request for any AWS API there is, its headers in three kinds of dictionary one
after another, and signs it by preparing it once more and deriving the day's key anew. Ours have one
form: their canonical form is one template, and a day has one key. And twice a call botocore lets go
of the interpreter's lock for a microsecond of work, whereupon another thread of the batch takes it:
that costs more CPU than the work. Nothing here lets go of it. tests/integration/test_client.py
compares what is made here with what botocore makes; docs/decisions/0014 tells what it saves.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.compat import get_current_datetime
from botocore.exceptions import NoCredentialsError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def request_lean(client: Any, credentials: Any) -> None:
    """Let a client make its requests here. Not for one that speaks anything but JSON at the root.

    `credentials` are a botocore session's, which refresh themselves; `None` if it found none.
    Retries, sockets and parsing stay botocore's.
    """
    model = client.meta.service_model
    if model.resolved_protocol != "json":
        raise ValueError(f"{model.service_name} does not speak JSON at the root of its host")
    attempts = client.meta.config.retries["total_max_attempts"]
    client.meta.events.register_first("before-call", _Calls(attempts))
    client._endpoint.create_request = SignedRequests(
        credentials, model.signing_name, client.meta.region_name
    )


class _Calls:
    """Gives each call its `amz-sdk-invocation-id`: random for the process, then counted.

    botocore asks the system for a random one each time.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._process = str(uuid4())[:24]
        self._number = count()

    def __call__(self, context: dict[str, Any], **_: Any) -> None:
        call_id = f"{self._process}{next(self._number):012x}"
        context["retries"] = {"invocation-id": call_id, "max": self._attempts}


@dataclass(frozen=True, slots=True)
class SignedRequests:
    """Makes the requests for one service in one region; botocore's endpoint calls it for every
    attempt, in the place of its own `create_request`."""

    credentials: Any
    service: str
    region: str

    def __call__(self, call: Mapping[str, Any], _operation: Any = None) -> AWSPreparedRequest:
        """The request of a serialised call. Raises `NoCredentialsError`."""
        body: bytes = call["body"]
        headers = {
            **call["headers"],
            **_attempt(call["context"]["retries"]),
            "Content-Length": str(len(body)),
        }
        signature = self._signature(call["url"], headers, body)
        both: Any = HeadersDict(headers | signature)
        return AWSPreparedRequest("POST", call["url"], both, body, stream_output=False)

    def _signature(self, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """`X-Amz-Date`, `Authorization`, and the token of temporary credentials."""
        if self.credentials is None:
            raise NoCredentialsError
        keys = self.credentials.get_frozen_credentials()
        now: datetime = get_current_datetime()
        time = now.strftime("%Y%m%dT%H%M%SZ")
        host, path = _place(url)
        signed = {
            "content-type": headers["Content-Type"],
            "host": host,
            "x-amz-date": time,
            **({"x-amz-security-token": keys.token} if keys.token else {}),
            "x-amz-target": headers["X-Amz-Target"],
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = _signing_key(keys.secret_key, time[:8], self.region, self.service)
        return {
            "X-Amz-Date": time,
            **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
            "Authorization": f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={_hmac(key, text).hex()}",
        }


def _attempt(retries: dict[str, Any]) -> dict[str, str]:
    """What AWS is told of the attempt, as botocore's `add_retry_headers` has it."""
    told = (f"{name}={retries[name]}" for name in ("ttl", "attempt", "max") if name in retries)
    return {
        "amz-sdk-invocation-id": retries["invocation-id"],
        "amz-sdk-request": "; ".join(told),
    }


def _hmac(key: bytes, text: str) -> bytes:
    """Not by `hmac.digest`, which lets go of the interpreter's lock."""
    return hmac.new(key, text.encode(), sha256).digest()


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day: four hashes deep, and the same for all its requests."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


@lru_cache(maxsize=32)
def _place(url: str) -> tuple[str, str]:
    """The `Host` header of a URL (no user info, no usual port), and its path."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if usual else f"{host}:{parts.port}", parts.path or "/"
