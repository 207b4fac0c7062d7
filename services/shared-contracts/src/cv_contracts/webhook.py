"""The signature of `POST /v1/webhooks/events`: HMAC-SHA256 over `timestamp.body`, hexadecimal.

The sender signs with one key; the receiver accepts any of its active keys (two while they rotate)
and a time within ±300 s of its own.

>>> headers = sign("k" * 64, 1_762_161_120, b"{}")
>>> sorted(headers)
['x-cv-signature', 'x-cv-timestamp']
>>> verify(["k" * 64], headers, b"{}", now=1_762_161_125)
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from cv_contracts.errors import (
    MalformedSignatureError,
    StaleSignatureError,
    WrongSignatureError,
)

PATH = "/v1/webhooks/events"
TIMESTAMP_HEADER = "x-cv-timestamp"
SIGNATURE_HEADER = "x-cv-signature"
TOLERANCE_SECONDS = 300

_TIMESTAMP = re.compile(r"[0-9]{10}")
_SIGNATURE = re.compile(r"v1=[0-9a-f]{64}")


def signature(key: str, timestamp: int, body: bytes) -> str:
    """The signature header's value for a body sent at `timestamp` (seconds since 1970, UTC)."""
    message = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def sign(key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The two headers that a sender adds. `timestamp` is in seconds since 1970, UTC."""
    return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signature(key, timestamp, body)}


def verify(keys: Iterable[str], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Return if one of the active keys signed this body lately; raise a `SignatureError` if not.

    `headers` has lower-case names. The comparison takes the same time for every wrong signature.
    """
    stamp, given = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not _TIMESTAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(given):
        raise MalformedSignatureError(
            f"send {TIMESTAMP_HEADER} (seconds) and {SIGNATURE_HEADER} (v1=<64 hex digits>)"
        )
    if abs(now - int(stamp)) > TOLERANCE_SECONDS:
        raise StaleSignatureError(f"signed more than {TOLERANCE_SECONDS} s away from now")
    matches = [hmac.compare_digest(signature(key, int(stamp), body), given) for key in keys]
    if not any(matches):
        raise WrongSignatureError("no active key made this signature")
