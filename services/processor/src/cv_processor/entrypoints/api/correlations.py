"""`GET /v1/correlations…` and `GET /v1/days/{day}`: what became of the questions."""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated

from cv_contracts.events import Correlation
from cv_contracts.rest import CorrelationPage, CorrelationQuery, DayDigest
from fastapi import APIRouter, Header, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cv_processor.application.queries import ListCorrelations, read_correlation, read_day
from cv_processor.domain.days import utc_day
from cv_processor.entrypoints.api.examples import CORRELATION, CORRELATION_PAGE, DAY_DIGEST
from cv_processor.entrypoints.api.path_ids import RequestIdOfPath
from cv_processor.entrypoints.api.problems import documented
from cv_processor.entrypoints.api.request_log import about
from cv_processor.entrypoints.api.services import Wired

router = APIRouter(tags=["correlations"])

_JSON = "application/json"


@router.get(
    "/v1/correlations",
    response_model=CorrelationPage,
    response_model_exclude_none=True,
    responses={
        200: {"content": {_JSON: {"example": CORRELATION_PAGE}}},
        **documented(422, 429, 503),
    },
)
def list_correlations(services: Wired, query: Annotated[CorrelationQuery, Query()]) -> Response:
    """Closed correlations, oldest first. Follow `nextCursor` until it is absent."""
    today = utc_day(int(time.time() * 1_000))
    page = ListCorrelations(services.correlations, services.layouts.current())(query, today=today)
    return Response(page.to_json(), media_type=_JSON)


@router.get(
    "/v1/correlations/{requestId}",
    operation_id="get_correlation",
    response_model=Correlation,
    response_model_exclude_none=True,
    responses={
        200: {
            "content": {_JSON: {"example": CORRELATION}},
            "headers": {"ETag": {"schema": {"type": "string"}, "description": "The revision"}},
        },
        304: {"description": "Not Modified"},
        **documented(404, 422, 429, 503),
    },
)
def get_correlation(
    request: Request,
    services: Wired,
    request_id: RequestIdOfPath,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """One closed correlation; 404 while its question is still open."""
    about(request, request_id)
    found = read_correlation(services.correlations, request_id)
    if found is None:
        raise HTTPException(404)
    # A correlation's state never changes without its revision.
    headers = {"ETag": f'"r{found.revision}"', "Cache-Control": "private, no-cache"}
    if _matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(found.to_json(), headers=headers, media_type=_JSON)


@router.get(
    "/v1/days/{day}",
    response_model=DayDigest,
    responses={200: {"content": {_JSON: {"example": DAY_DIGEST}}}, **documented(422, 429, 503)},
)
def get_day(services: Wired, day: Annotated[date, Path()]) -> Response:
    """How many of a UTC day's questions are closed, and a digest of their revisions."""
    digest = read_day(services.correlations, day, services.layouts.current())
    return Response(digest.to_json(), media_type=_JSON)


def _matches(if_none_match: str | None, etag: str) -> bool:
    """RFC 9110 §13.1.2: a list of entity tags, or `*`; compared weakly."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag in tags
