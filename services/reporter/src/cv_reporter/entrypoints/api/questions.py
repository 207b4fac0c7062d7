"""The questions behind the numbers, as JSON pages and as CSV."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from cv_contracts.chatbot import RequestId
from cv_contracts.rest import Problem
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from cv_reporter.application.dashboard_view import Selection
from cv_reporter.application.queries import (
    MAX_PAGE,
    BadCursorError,
    Filter,
    Page,
    TooManyError,
)
from cv_reporter.application.wire.documents import Document
from cv_reporter.bootstrap import services
from cv_reporter.domain.fact import Audience, Fact, Outcome
from cv_reporter.entrypoints.api.answer_limit import REMEDY
from cv_reporter.entrypoints.api.conditional import CSV, HEADERS, JSON, conditional
from cv_reporter.entrypoints.api.problems import ApiProblem
from cv_reporter.entrypoints.api.request_log import about
from cv_reporter.entrypoints.api.schemas import json_answer
from cv_reporter.entrypoints.api.summary import First, Last, period_of
from cv_reporter.presentation.csv import questions_csv

router = APIRouter(prefix="/v1", tags=["questions"])

Name = Annotated[str | None, Query(min_length=1, max_length=128)]
INVALID = {"model": Problem, "description": "Not a period, a filter or a cursor"}


def wanted(
    outcome: Annotated[Outcome | None, Query(examples=["none"])] = None,
    skill: Name = None,
    intent: Name = None,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=128)] = None,
    text: Name = None,
    audience: Annotated[
        Audience | None, Query(description="visitor, bot, owner or test; visitor if not given")
    ] = Audience.VISITOR,
    everybody: Annotated[bool, Query(description="Visitors and all others")] = False,
    offered: Annotated[
        str | None, Query(max_length=128, description="The source offered instead of the skill")
    ] = None,
    word: Annotated[
        str | None, Query(max_length=128, description="The visitor's word for the skill")
    ] = None,
    unanswered: Annotated[bool, Query(description="No match or no response")] = False,
    attacks: Annotated[bool, Query(description="false leaves prompt attacks out")] = True,
) -> Filter:
    """The filters of the query string. Names count in any case."""
    return Selection(
        outcome=outcome,
        skill=skill,
        intent=intent,
        session_id=session_id,
        text=text,
        audience=None if everybody else audience,
        offered=offered,
        word=word,
        unanswered=unanswered,
        without_intent=None if attacks else services().policy.prompt_attack,
    )


Wanted = Annotated[Filter, Depends(wanted)]


@router.get("/questions", responses={200: json_answer(Page, "A page"), 422: INVALID})
def get_questions(
    first: First,
    last: Last,
    filters: Wanted,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Questions of these days, newest first. Follow `nextCursor` until there is none."""
    try:
        page = services().queries.questions(
            period_of(first, last), filters, cursor=cursor, limit=limit
        )
    except BadCursorError as error:
        raise ApiProblem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    return conditional(Document[Page](page).model_dump_json(), None, JSON, if_none_match)


@router.get(
    "/questions/{requestId}",
    responses={
        200: json_answer(Fact, "The question"),
        404: {"model": Problem, "description": "None of that id was asked at that time"},
        422: INVALID,
    },
)
def get_question(
    request: Request,
    request_id: Annotated[RequestId, Path(alias="requestId")],
    asked_at: Annotated[
        int,
        Query(
            alias="askedAt",
            ge=1_000_000_000_000,
            le=4_102_444_800_000,
            description="When it was asked, in milliseconds, as the Processor says: it is its key",
        ),
    ],
) -> Response:
    """One question as it counts here, whoever asked it."""
    about(request, request_id)
    fact = services().queries.question(request_id, asked_at)
    if fact is None:
        raise ApiProblem(HTTPStatus.NOT_FOUND, "no question of that id was asked at that time")
    return Response(Document[Fact](fact).model_dump_json(), headers=HEADERS, media_type=JSON)


@router.get(
    "/export.csv",
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, 422: INVALID},
    response_class=Response,
)
def export(first: First, last: Last, filters: Wanted) -> Response:
    """The questions of these days as CSV, newest first: all of them, or 422 above 6 MB."""
    try:
        rows = services().queries.every(period_of(first, last), filters)
    except TooManyError as error:
        raise ApiProblem(HTTPStatus.UNPROCESSABLE_ENTITY, REMEDY) from error
    name = f"questions-{first}-{last}.csv"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    body = questions_csv(rows, services().placement.time_zone)
    return Response(body, media_type=CSV, headers=headers)
