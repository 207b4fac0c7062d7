"""One log line a request, and the trace of an answer that is about one question."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, Final

from cv_contracts.tracing import is_trace_context, span_id, trace_context
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cv_processor.application.errors import cause
from cv_processor.entrypoints.api.problems import problem
from cv_processor.entrypoints.observability import log_line

# https://www.w3.org/TR/trace-context-2/#traceresponse-header
TRACE_RESPONSE: Final = b"traceresponse"
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def about(request: Request, *request_ids: str) -> None:
    """Note which questions a request is about, once their ids are known to be valid."""
    request.state.requests = tuple(dict.fromkeys(request_ids))


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
        self._began_ns = time.time_ns()
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.status: int | None = None
        context = scope.get("aws.event", {}).get("requestContext", {})
        self._caller = _caller(scope)
        self._api_request_id = str(context.get("requestId", "none"))

    async def send(self, message: Message) -> None:
        """ASGI's `send`, with the trace in the headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            requests = self.state.get("requests", ())
            if len(requests) == 1:
                trace = (TRACE_RESPONSE, self._trace_of(requests[0]).encode())
                message = {**message, "headers": [*message.get("headers", ()), trace]}
        await self._send(message)

    def _trace_of(self, request_id: str) -> str:
        return trace_context(request_id, span_id("answer", request_id, self._api_request_id))

    def log(self) -> None:
        """Write the line. Neither path nor method is the client's own word."""
        method, route = self._scope["method"], self._scope.get("route")
        reason, requests = self.state.get("cause"), self.state.get("requests", ())
        log_line(
            "api",
            self._scope.get("aws.context"),
            began_ns=self._began_ns,
            requests=requests,
            failed={self._api_request_id: reason} if reason else None,
            callers=dict.fromkeys(requests, self._caller) if self._caller else None,
            method=method if method in METHODS else "other",
            route=getattr(route, "path", "none"),
            status=self.status,
            api_request_id=self._api_request_id,
        )


def _caller(scope: Scope) -> str | None:
    """The caller's own trace context; one of another form than ours is none."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
    return next(filter(is_trace_context, values), None)
