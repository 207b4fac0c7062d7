"""The one error format: `application/problem+json` (RFC 9457). It never repeats the input."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cv_contracts.rest import Problem
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from cv_processor.application.errors import UnavailableError, cause
from cv_processor.application.queries import InvalidCursorError
from cv_processor.entrypoints.api.body import BodyTooLargeError

MEDIA_TYPE = "application/problem+json"
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
RETRY_AFTER = {"Retry-After": "5"}


def problem(
    status: int,
    detail: str | None = None,
    *,
    errors: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem's response. `detail` and `errors` are ours to write, never the client's words."""
    body = Problem(title=title_of(status), status=status, detail=detail, errors=errors).to_json()
    return Response(body, status, headers, MEDIA_TYPE)


def title_of(status: int) -> str:
    """The status in words, as RFC 9110 has them, whatever Python's version."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def install(app: FastAPI) -> None:
    """Answer the errors that the app expects with a problem; `request_log` answers the others."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(InvalidCursorError, _cursor)
    app.add_exception_handler(BodyTooLargeError, _too_large)
    app.add_exception_handler(UnavailableError, _unavailable)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the problems that a route answers with."""
    return {
        status: {
            "description": title_of(status),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": "about:blank",
                        "title": title_of(status),
                        "status": status,
                    },
                }
            },
        }
        for status in statuses
    }


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it was registered for
    errors = tuple(map(_fault, error.errors()))
    return problem(422, "a parameter is not valid", errors=errors)


def _fault(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":  # the place is the client's own word
        return "a parameter that is not declared"
    return f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}"


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it was registered for
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, headers=headers)


async def _cursor(_: Request, error: Exception) -> Response:
    return problem(422, str(error))


async def _too_large(_: Request, error: Exception) -> Response:
    return problem(413, str(error))


async def _unavailable(request: Request, error: Exception) -> Response:
    request.state.cause = cause(error)
    return problem(503, "try again later", headers=RETRY_AFTER)
