"""Reading a request's body: bounded while it arrives, and of the media type that we read."""

from __future__ import annotations

import zlib

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


def decoded(request: Request, body: bytes) -> bytes:
    """The body without its content encoding, which may be gzip: decompressed no further than the
    limit, whatever it grows to. Raises 415 for others, `BodyTooLargeError` for more than 64 KiB."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise HTTPException(415)
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise HTTPException(422) from None
    if len(plain) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    if not stream.eof:
        raise HTTPException(422)
    return plain
