"""Requests with a body that is too large or of another media type are refused before they are read.

The same limits as the Processor's: `docs/errors.md`.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cv_reporter.entrypoints.api.problems import problem

MAX_BODY_BYTES: Final = 64 * 1024
TOO_LARGE: Final = "The body is larger than 64 KiB."


class BodyLimit:
    """ASGI middleware. A body that declares no length is counted while it is read."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what reads the body."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, size = Headers(scope=scope), 0
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
            await problem(413, TOO_LARGE)(scope, receive, send)
            return
        if declared != "0" and scope["path"].startswith("/v1/") and not _is_json(headers):
            await problem(415, "Send JSON, as application/json.")(scope, receive, send)
            return

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


def _is_json(headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
