"""Lambda returns at most 6 MB: an answer above that is refused with the way to get it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cv_processor.entrypoints.api.problems import problem

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
ENVELOPE_BYTES: Final = 16 * 1024
"""Room for the status and the headers, which are in the payload, too."""
ESCAPED: Final = b'"\\\n\r\t'
"""What takes two bytes for one in the payload: the body is a JSON text in it."""
REMEDY: Final = "The answer is larger than 6 MB. Ask for fewer days, or page with limit and cursor."


class AnswerLimit:
    """ASGI middleware. Without it Lambda drops such an answer, and the client gets a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers, each answer with one body."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        start: Message = {}

        async def limited(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif start and not fits(message.get("body", b"")):
                start = {}
                await problem(HTTPStatus.UNPROCESSABLE_ENTITY, REMEDY)(scope, receive, send)
            else:
                if start:
                    await send(start)
                    start = {}
                await send(message)

        await self._app(scope, receive, limited if scope["type"] == "http" else send)


def fits(body: bytes) -> bool:
    """Whether Lambda can return a body."""
    size = len(body) + sum(body.count(character) for character in ESCAPED)
    return size <= MAX_PAYLOAD_BYTES - ENVELOPE_BYTES
