"""One layout a request: what a request reads is of one generation, whatever changes meanwhile."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from cv_reporter.bootstrap import one_layout


class OneLayout:
    """ASGI middleware. The layout is read when the request first needs it."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        with one_layout():
            await self._app(scope, receive, send)
