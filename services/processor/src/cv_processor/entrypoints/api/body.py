"""Reading a request's body: bounded while it arrives, and of the media type that we read."""

from __future__ import annotations

from fastapi import HTTPException, Request

MAX_BODY_BYTES = 64 * 1024


async def json_body(request: Request) -> bytes:
    """The raw body. Raises 415 for what is not JSON, 413 for more than 64 KiB."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise HTTPException(415)
    return await bounded_body(request)


async def bounded_body(request: Request) -> bytes:
    """The raw body, read no further than the limit."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413)
    return bytes(body)
