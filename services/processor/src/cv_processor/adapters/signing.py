"""Signature Version 4 of the requests that our clients make: JSON, posted to the root of a host.

botocore's signer is made for every AWS API: it prepares each request a second time to look at its
body, walks the headers four times and derives the same day's key again for each call, a quarter of
a warm call's CPU. For these requests the canonical form is one template, and a day has one key.
tests/integration/test_client.py compares what it makes with what botocore makes;
docs/decisions/0014 tells what it saves.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from botocore.compat import get_current_datetime
from botocore.exceptions import NoCredentialsError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SIGNED = ("content-type", "x-amz-target")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one service in one region; a handler of botocore's event `request-created`.

    `credentials` are a botocore session's, which refresh themselves; `None` if it found none.
    """

    credentials: Any
    service: str
    region: str

    def __call__(self, request: Any, **_: Any) -> None:
        """Add `X-Amz-Date`, `Authorization`, and the token of temporary credentials."""
        if self.credentials is None:
            raise NoCredentialsError
        keys = self.credentials.get_frozen_credentials()
        now: datetime = get_current_datetime()
        time = now.strftime("%Y%m%dT%H%M%SZ")
        headers = request.headers
        headers["X-Amz-Date"] = time
        signed = {name: headers[name] for name in _SIGNED if name in headers}
        host, path = _place(request.url)
        signed |= {"host": host, "x-amz-date": time}
        if keys.token:
            headers["X-Amz-Security-Token"] = signed["x-amz-security-token"] = keys.token
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{sha256(request.data).hexdigest()}"
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = _signing_key(keys.secret_key, time[:8], self.region, self.service)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
        )


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day: four hashes deep, and the same for all its requests."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=32)
def _place(url: str) -> tuple[str, str]:
    """The `Host` header of a URL (no user info, no usual port), and its path."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return host if usual else f"{host}:{parts.port}", parts.path or "/"
