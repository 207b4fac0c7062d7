"""`POST /v1/webhooks/events`: the way in for chatbots without AWS credentials, signed by HMAC."""

from __future__ import annotations

import time

from cv_contracts import webhook
from cv_contracts.errors import MalformedSignatureError, SignatureError
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from cv_processor.entrypoints.api.body import decoded, json_body
from cv_processor.entrypoints.api.events import REQUEST_BODY, SUBMITTED, answer_submission
from cv_processor.entrypoints.api.problems import documented, problem
from cv_processor.entrypoints.api.services import Wired

router = APIRouter(tags=["events"])

_HEADERS = {
    "parameters": [
        {
            "name": webhook.TIMESTAMP_HEADER,
            "in": "header",
            "required": True,
            "description": "When it was signed: seconds since 1970-01-01 UTC",
            "schema": {"type": "string", "pattern": "^[0-9]{10}$"},
            "example": "1762161420",
        },
        {
            "name": webhook.SIGNATURE_HEADER,
            "in": "header",
            "required": True,
            "description": "`v1=` and the HMAC-SHA256 of `<timestamp>.<body>`, hexadecimal",
            "schema": {"type": "string", "pattern": "^v1=[0-9a-f]{64}$"},
            "example": "v1=" + "0" * 64,
        },
    ]
}


@router.post(
    webhook.PATH,
    status_code=202,
    response_model=None,
    openapi_extra={**REQUEST_BODY, **_HEADERS},
    responses={**SUBMITTED, **documented(400, 401, 413, 415, 422, 429, 503)},
)
async def post_webhook(request: Request, services: Wired) -> Response:
    """Submit events as `POST /v1/events` does, signed with a shared key. Keys may rotate."""
    body = await json_body(request)
    keys = await run_in_threadpool(services.webhook_keys)
    try:
        webhook.verify(keys, request.headers, body, now=time.time())
    except MalformedSignatureError as error:
        return problem(400, str(error))
    except SignatureError as error:
        return problem(401, str(error), headers={"WWW-Authenticate": "HMAC-SHA256"})
    plain = decoded(request, body)  # the signature is of the bytes as sent
    return await answer_submission(request, services, plain)
