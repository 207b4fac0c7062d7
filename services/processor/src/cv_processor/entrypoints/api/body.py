"""Reading a request's body: bounded while it arrives, and of the media type that we read."""

from __future__ import annotations

from fastapi import HTTPException, Request

MAX_BODY_BYTES = 64 * 1024
_TOO_LARGE = (
    f"the body is larger than {MAX_BODY_BYTES // 1024} KiB: send fewer events at once; "
    "a question has at most 4,000 characters"
)


class BodyTooLargeError(ValueError):
    """A body of more bytes than we read; the message says so, and what to do."""

    def __init__(self) -> None:
        super().__init__(_TOO_LARGE)


async def json_body(request: Request) -> bytes:
    """The raw body. Raises 415 for what is not JSON, `BodyTooLargeError` for more than 64 KiB."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise HTTPException(415)
    return await bounded_body(request)


async def bounded_body(request: Request) -> bytes:
    """The raw body, read no further than the limit. Raises `BodyTooLargeError`."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError
    return bytes(body)
