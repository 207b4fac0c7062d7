"""The questions behind the numbers: a list with filters, one question, a session, CSV."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from cv_reporter.application.dashboard_marks import Mark, marked
from cv_reporter.application.dashboard_view import (
    SPAN_NAMES,
    Selection,
    View,
    read_selection,
    read_view,
)
from cv_reporter.application.queries import BadCursorError, TooManyError
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.visits import IDLE_MS, MAX_MARKED
from cv_reporter.entrypoints.api.answer_limit import fits
from cv_reporter.entrypoints.dashboard.page import HEADERS, page
from cv_reporter.entrypoints.dashboard.sign_in import Owner, PageRoute, Refusal, owner
from cv_reporter.presentation.csv import questions_csv
from cv_reporter.presentation.wording import pause_text

router = APIRouter(route_class=PageRoute)

PAGE = 25


@router.get("/questions")
def list_questions(
    request: Request, session: Owner, cursor: Annotated[str, Query(max_length=512)] = ""
) -> Response:
    """A page of questions, newest first."""
    view, chosen = _asked(request)
    try:
        found = services().queries.questions(view.period, chosen, cursor=cursor or None, limit=PAGE)
    except BadCursorError as error:
        raise Refusal(422, "refused.html", what="cursor") from error
    return page(
        request,
        "questions.html",
        session=session,
        view=view,
        chosen=chosen,
        found=found,
        count=None if cursor else services().queries.count(view.period, chosen),
        cursor=cursor,
        spans=SPAN_NAMES,
        intents=services().dashboard.intents(view.period),
        label=services().policy.label,
    )


@router.get("/questions.csv", dependencies=[Depends(owner)])
def export(request: Request) -> Response:
    """What the list shows, all of it; refused with two halves of the period if it is too large."""
    view, chosen = _asked(request)
    try:
        rows = services().queries.every(view.period, chosen)
    except TooManyError as error:
        raise _too_large(view, chosen) from error
    body = questions_csv(rows, services().placement.time_zone)
    if not fits(body.encode()):
        raise _too_large(view, chosen)
    name = f"questions-{view.period.first}-{view.period.last}.csv"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def _too_large(view: View, chosen: Selection) -> Refusal:
    filters = {"attacks": "", **chosen.parameters()}
    halves = [(half, view.over(half).query(**filters)) for half in view.period.halves()]
    return Refusal(422, "refused.html", what="export", halves=halves)


Id = Annotated[str, Query(alias="id", min_length=1, max_length=128)]


def named_question(
    _: Owner,
    at: Annotated[int, Query(ge=0, lt=10**13)],
    request_id: Id,
) -> Fact:
    """The question that an address names, for the owner. Raises `Refusal` if it is not there."""
    fact = services().dashboard.question(at, request_id)
    if fact is None:
        raise Refusal(404, "refused.html", what="question")
    return fact


Question = Annotated[Fact, Depends(named_question)]


def named_session(_: Owner, session_id: Id) -> list[Fact]:
    """The questions of the session that an address names, oldest first. Raises `Refusal`."""
    facts = services().dashboard.session(session_id)
    if not facts:
        raise Refusal(404, "refused.html", what="session")
    return facts


SessionQuestions = Annotated[list[Fact], Depends(named_session)]


@router.get("/question")
def one(request: Request, session: Owner, fact: Question) -> Response:
    """One question with its answer's quality: what a permalink shows."""
    return page(request, "question.html", session=session, fact=fact, label=services().policy.label)


@router.get("/session")
def conversation(
    request: Request, session: Owner, session_id: Id, facts: SessionQuestions
) -> Response:
    """A session's questions in order."""
    turns = list(zip(facts, pauses(facts), strict=True))
    return page(request, "session.html", session=session, id=session_id, turns=turns)


def pauses(facts: list[Fact]) -> list[str]:
    """Before each question, how long the visitor had been away, if longer than half an hour."""
    gaps = [later.asked_at - fact.asked_at for fact, later in pairwise(facts)]
    return ["", *(pause_text(gap) if gap > IDLE_MS else "" for gap in gaps)]


def _marked(view: View, chosen: Selection, mark: Mark) -> Selection:
    """The selection with the rows of its mark, as the board counts them."""
    counted = replace(Selection(), without_intent=chosen.without_intent)
    facts = filter(counted.admits, services().queries.newest(view.period))
    known = list(islice(facts, MAX_MARKED + 1))
    if len(known) > MAX_MARKED:
        raise Refusal(422, "refused.html", what="marks")
    return replace(chosen, rows=marked(known, mark))


def _asked(request: Request) -> tuple[View, Selection]:
    today = local_day(services().now_ms(), services().placement.time_zone)
    given = request.query_params
    view, chosen = read_view(given, today), read_selection(given, services().policy.prompt_attack)
    if chosen.group:
        chosen = replace(chosen, members=services().dashboard.group(view, chosen.group))
    if chosen.mark:
        chosen = _marked(view, chosen, chosen.mark)
    return view, chosen
