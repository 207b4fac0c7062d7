"""`DELETE /v1/sessions/…`, `DELETE /v1/correlations/…` and `GET /v1/erasures/…`: erasure."""

from __future__ import annotations

from typing import Annotated, Any

from cv_contracts.chatbot import ANONYMOUS_SESSION
from cv_contracts.rest import Erasure, ErasureCount
from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response

from cv_processor.application.erasure import request_erasure
from cv_processor.domain.erasure import Question, Session, Subject
from cv_processor.entrypoints.api.examples import ERASURE, REQUESTED_ERASURE
from cv_processor.entrypoints.api.path_ids import RequestIdOfPath, SessionIdOfPath
from cv_processor.entrypoints.api.problems import documented, problem
from cv_processor.entrypoints.api.services import Wired

router = APIRouter(tags=["erasure"])

_JSON = "application/json"
_RECEIPT_LINK = {
    "receipt": {
        "operationId": "get_erasure",
        "parameters": {"erasureId": "$response.body#/erasureId"},
    }
}


_REQUESTED: dict[int | str, Any] = {
    202: {
        "content": {_JSON: {"example": REQUESTED_ERASURE}},
        "headers": {"Location": {"schema": {"type": "string"}, "description": "The receipt"}},
        "links": _RECEIPT_LINK,
    },
    **documented(422, 429, 503),
}


@router.delete(
    "/v1/sessions/{sessionId}",
    status_code=202,
    response_model=Erasure,
    operation_id="erase_session",
    responses=_REQUESTED,
)
def erase_session(services: Wired, session_id: SessionIdOfPath) -> Response:
    """Forget a session: its text and identifiers, here and in every service that reads of us."""
    if session_id == ANONYMOUS_SESSION:
        return problem(
            422,
            "anonymous visitors share one session; erase their questions one by one, "
            "with DELETE /v1/correlations/{requestId}",
        )
    return _requested(services, Session(session_id))


@router.delete(
    "/v1/correlations/{requestId}",
    status_code=202,
    response_model=Erasure,
    operation_id="erase_question",
    responses=_REQUESTED,
)
def erase_question(services: Wired, request_id: RequestIdOfPath) -> Response:
    """Forget one question, an anonymous one too: here and in every service that reads of us."""
    return _requested(services, Question(request_id))


@router.get(
    "/v1/erasures/{erasureId}",
    response_model=Erasure,
    operation_id="get_erasure",
    responses={
        200: {"content": {_JSON: {"example": ERASURE}}},
        **documented(404, 422, 429, 503),
    },
)
def get_erasure(
    services: Wired,
    erasure_id: Annotated[str, Path(alias="erasureId", pattern=r"^[0-9a-f-]{1,64}$")],
) -> Response:
    """An erasure's receipt: each service's count, as it arrives."""
    return _receipt(services, erasure_id, 200, {})


def _requested(services: Wired, subject: Subject) -> Response:
    erasure_id = request_erasure(
        services.erasures, services.erasure_queue, subject, services.now_ms()
    )
    return _receipt(services, erasure_id, 202, {"Location": f"../erasures/{erasure_id}"})


def _receipt(services: Wired, erasure_id: str, status: int, headers: dict[str, str]) -> Response:
    receipt = services.erasures.receipt(erasure_id)
    if receipt is None:
        raise HTTPException(404)
    counts = receipt.removed.items()
    body = Erasure(
        erasure_id=receipt.erasure_id,
        requested_at=receipt.requested_at,
        removed=tuple(ErasureCount(service=name, removed=removed) for name, removed in counts),
    )
    return Response(body.to_json(), status, headers, _JSON)
