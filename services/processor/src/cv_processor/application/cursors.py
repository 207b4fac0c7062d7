"""Opaque cursors: where the next page starts, signed, and good only for the same filters."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any

from cv_contracts.rest import CorrelationQuery

_SIGNATURE_BYTES = 16


class InvalidCursorError(ValueError):
    """A cursor that we did not sign, or that belongs to other filters."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Signs and reads cursors. `secret` is asked for when it is first needed."""

    secret: Callable[[], bytes]

    def sign(self, position: Any, query: CorrelationQuery) -> str:
        """The cursor of a position (JSON types) in the list that these filters select."""
        payload = json.dumps(position, separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(payload, query) + payload).decode().rstrip("=")

    def read(self, cursor: str, query: CorrelationQuery) -> Any:
        """The position of a cursor. Raises `InvalidCursorError`."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (Base64Error, ValueError):
            raise InvalidCursorError("not a cursor of this API") from None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not compare_digest(signature, self._signature(payload, query)):
            raise InvalidCursorError("not a cursor of this API, or of other filters")
        return json.loads(payload)

    def _signature(self, payload: bytes, query: CorrelationQuery) -> bytes:
        filters = query.model_dump_json(exclude={"cursor", "limit"})
        message = sha256(filters.encode()).digest() + payload
        return hmac_digest(self.secret(), message, "sha256")[:_SIGNATURE_BYTES]
