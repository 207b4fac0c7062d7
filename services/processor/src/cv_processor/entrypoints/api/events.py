"""`POST /v1/events`: the way in over HTTP."""

from __future__ import annotations

from typing import Any

from cv_contracts.rest import Problem, Submission
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from cv_processor.application.submission import NotASubmissionError, read_documents, submit
from cv_processor.bootstrap import Services
from cv_processor.entrypoints.api.body import decoded, json_body
from cv_processor.entrypoints.api.examples import QUERY_EVENT, RESPONSE_EVENT, SUBMISSION
from cv_processor.entrypoints.api.problems import MEDIA_TYPE, documented, problem, title_of
from cv_processor.entrypoints.api.request_log import about
from cv_processor.entrypoints.api.services import Wired

router = APIRouter(tags=["events"])

REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/ChatbotEvent"},
                        {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/ChatbotEvent"},
                            "minItems": 1,
                            "maxItems": 100,
                        },
                        {
                            "type": "object",
                            "required": ["events"],
                            "properties": {
                                "events": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/ChatbotEvent"},
                                    "minItems": 1,
                                    "maxItems": 100,
                                }
                            },
                        },
                    ]
                },
                "examples": {
                    "one": {"summary": "A question", "value": QUERY_EVENT},
                    "many": {"summary": "Both halves", "value": [QUERY_EVENT, RESPONSE_EVENT]},
                },
            }
        },
    }
}

SUBMITTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Queued; each refused event with its reason",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Submission"},
                "example": SUBMISSION,
            }
        },
        "links": {
            "correlation": {
                "operationId": "get_correlation",
                "parameters": {"requestId": "$response.body#/accepted/0/requestId"},
            }
        },
    }
}


@router.post(
    "/v1/events",
    status_code=202,
    response_model=None,
    openapi_extra=REQUEST_BODY,
    responses={**SUBMITTED, **documented(413, 415, 422, 429, 503)},
)
async def post_events(request: Request, services: Wired) -> Response:
    """Submit one event, or up to 100. They are processed in the background, in any order."""
    body = decoded(request, await json_body(request))
    return await answer_submission(request, services, body)


async def answer_submission(request: Request, services: Services, body: bytes) -> Response:
    """Queue what a body carries and tell what became of it."""
    try:
        documents = read_documents(body)
    except NotASubmissionError as error:
        return problem(422, str(error))
    submission = await run_in_threadpool(submit, services.ingest_queue, documents)
    about(request, *(event.request_id for event in submission.accepted))
    if submission.accepted:
        return Response(submission.to_json(), 202, media_type="application/json")
    return _all_rejected(submission)


def _all_rejected(submission: Submission) -> Response:
    body = Problem(
        title=title_of(422),
        status=422,
        detail="no event was accepted",
        errors=tuple(f"event {item.index}: {item.reason}" for item in submission.rejected),
    ).model_dump(mode="json")
    body |= submission.model_dump(mode="json")
    return JSONResponse(body, 422, media_type=MEDIA_TYPE)
