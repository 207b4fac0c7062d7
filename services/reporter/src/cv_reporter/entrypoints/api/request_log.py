"""One log line a request; a request that nobody could answer is answered with 500."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cv_reporter.application.errors import cause
from cv_reporter.entrypoints.api.problems import problem
from cv_reporter.entrypoints.observability import log_line

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class RequestLog:
    """ASGI middleware. It answers 500 to what nobody caught: servers would log its message."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            answer.state["cause"] = cause(error)
            if answer.status is not None:  # too late for another answer
                raise
            await problem(500)(scope, receive, answer.send)
        finally:
            answer.log()


class _Answer:
    """What is known of one request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.status: int | None = None
        context = scope.get("aws.event", {}).get("requestContext", {})
        self._api_request_id = str(context.get("requestId", "none"))

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def log(self) -> None:
        """Write the line. Neither path nor method is the client's own word."""
        method, route = self._scope["method"], self._scope.get("route")
        reason = self.state.get("cause")
        log_line(
            "api",
            self._scope.get("aws.context"),
            failed={self._api_request_id: reason} if reason else None,
            method=method if method in METHODS else "other",
            route=getattr(route, "path", "none"),
            status=self.status,
            duration_ms=round((time.perf_counter() - self._began) * 1_000),
            api_request_id=self._api_request_id,
        )
