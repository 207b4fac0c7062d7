"""`GET /v1/correlations/{requestId}/conflicts`: the halves that lost a conflict, not hidden."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from cv_processor.domain.correlation import Half, Query
from cv_processor.entrypoints.api.path_ids import RequestIdOfPath
from cv_processor.entrypoints.api.problems import documented
from cv_processor.entrypoints.api.request_log import about
from cv_processor.entrypoints.api.services import Wired

router = APIRouter(tags=["correlations"])


class ParkedHalf(BaseModel):
    """An event with another content than the one that stands. Text is redacted."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    event_type: Literal["query", "response"]
    timestamp: int
    digest: str
    question: str | None = None
    match_type: str | None = None
    match_score: int | None = None


class Conflicts(BaseModel):
    """Of two contents the one with the smaller time stands; these are the others."""

    items: list[ParkedHalf]


@router.get(
    "/v1/correlations/{requestId}/conflicts",
    response_model_exclude_none=True,
    responses=documented(422, 429, 503),
)
def list_conflicts(
    request: Request,
    services: Wired,
    request_id: RequestIdOfPath,
) -> Conflicts:
    """The conflicting events of one question; usually none."""
    about(request, request_id)
    return Conflicts(items=[_parked(half) for half in services.correlations.conflicts(request_id)])


def _parked(half: Half) -> ParkedHalf:
    if isinstance(half, Query):
        return ParkedHalf(
            event_type="query", timestamp=half.at, digest=half.digest, question=half.text
        )
    return ParkedHalf(
        event_type="response",
        timestamp=half.at,
        digest=half.digest,
        match_type=half.match,
        match_score=half.score,
    )
