"""Answers that need not be sent twice: `ETag` and `If-None-Match`."""

from __future__ import annotations

from hashlib import sha256

from fastapi import Response

JSON = "application/json"
CSV = "text/csv; charset=utf-8"

HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


def conditional(
    body: str, entity_tag: str | None, media_type: str, if_none_match: str | None
) -> Response:
    """The body with its tag (by default its hash), or 304 if the client has that very one."""
    quoted = f'"{entity_tag or sha256(body.encode()).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": quoted, "Vary": "Accept"}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if quoted in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
