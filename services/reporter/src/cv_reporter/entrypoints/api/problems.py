"""Errors as problem+json (RFC 9457). They name what is wrong and never quote the input."""

from __future__ import annotations

from http import HTTPStatus

from cv_contracts.rest import Problem
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from cv_reporter.application.errors import UnavailableError, cause

MEDIA_TYPE = "application/problem+json"
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
RETRY_AFTER = {"Retry-After": "5"}


class ApiProblem(Exception):  # noqa: N818 (RFC 9457 calls it a problem)
    """An answer other than the one asked for."""

    def __init__(self, status: HTTPStatus, detail: str, errors: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors


def problem(status: int, detail: str | None = None, errors: tuple[str, ...] = ()) -> Response:
    """The answer. A 503 says when to try again."""
    body = Problem(title=title_of(status), status=status, detail=detail, errors=errors)
    headers = RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(body.to_json(), status, headers, media_type=MEDIA_TYPE)


def title_of(status: int) -> str:
    """The status in words, as RFC 9110 has them, whatever Python's version."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def install(app: FastAPI) -> None:
    """Answer the errors that the app expects with a problem; `request_log` answers the others."""
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnavailableError, _unavailable)


def _api_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)  # noqa: S101 (registered for this class)
    return problem(error.status, error.detail, error.errors)


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class)
    errors = tuple(
        f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors()
    )
    return problem(422, "The request does not have the form that the API describes.", errors[:20])


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class)
    answer = problem(error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _unavailable(request: Request, error: Exception) -> Response:
    request.state.cause = cause(error)
    return problem(503, "try again later")
