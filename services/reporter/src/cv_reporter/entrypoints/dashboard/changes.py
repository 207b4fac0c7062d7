"""What the owner changes: decisions about gaps, dated notes, and erasing sessions and questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator

from cv_reporter.application.dashboard_view import View, read_view
from cv_reporter.application.ports import OldProcessorError, ProcessorError
from cv_reporter.bootstrap import services
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.calendar import countable, local_day
from cv_reporter.domain.report import GapState
from cv_reporter.domain.words import shown
from cv_reporter.entrypoints.dashboard.page import page, see_other
from cv_reporter.entrypoints.dashboard.questions import Id, Question, SessionQuestions
from cv_reporter.entrypoints.dashboard.sign_in import Owner, PageRoute, Refusal, author

router = APIRouter(route_class=PageRoute)

MAX_NOTE = 200
MAX_SKILL = 80
FormId = Annotated[str, Form(alias="id", min_length=1, max_length=128)]


@router.post("/gap", dependencies=[Depends(author)])
def decide(
    request: Request,
    decision: Annotated[str, Form(max_length=100)],
    back: Annotated[str, Form(max_length=200)] = "",
    page: Annotated[Literal["", "details"], Form()] = "",
) -> Response:
    """Decide about a gap. `decision` is `<state>:<skill>`, so that one button says it all."""
    state, _, skill = decision.partition(":")
    if state not in set(GapState) or not 0 < len(skill) <= MAX_SKILL:
        raise Refusal(422, "refused.html", what="form")
    services().notes.decide(skill, GapState(state), "")
    return _back(request, back, "gap", "gaps", page)


@router.get("/notes")
def list_notes(request: Request, session: Owner) -> Response:
    """Every note, with what it changed."""
    return page(
        request,
        "notes.html",
        session=session,
        effects=sorted(services().notes.effects(), key=lambda effect: effect.day, reverse=True),
        today=local_day(services().now_ms(), services().placement.time_zone),
    )


@router.post("/note", dependencies=[Depends(author)])
def add_note(
    request: Request,
    day: Annotated[date, Form(), AfterValidator(countable)],
    text: Annotated[str, Form(min_length=1, max_length=MAX_NOTE)],
    skill: Annotated[str, Form(max_length=MAX_SKILL)] = "",
    back: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Keep a note."""
    seen, about = shown(text, MAX_NOTE), shown(skill, MAX_SKILL)
    if not seen:
        raise Refusal(422, "refused.html", what="form")
    services().notes.annotate(Annotation(day, seen, about or None))
    if not back:
        return _to_notes(request, "note")
    done = "note" if day in _view(back).period else "note_elsewhere"
    return _back(request, back, done, "helped")


@router.post("/note/remove", dependencies=[Depends(author)])
def remove_note(
    request: Request, note_id: Annotated[str, Form(alias="id", pattern="^[0-9a-f]{16}$")]
) -> Response:
    """Take a note back; one that is gone already stays gone."""
    services().notes.annotations.remove(note_id)
    return _to_notes(request, "unnoted")


@router.get("/erase")
def confirm(request: Request, session: Owner, session_id: Id, facts: SessionQuestions) -> Response:
    """Ask before a session is forgotten."""
    return page(request, "erase.html", session=session, id=session_id, facts=facts, single=False)


@router.post("/erase", dependencies=[Depends(author)])
def erase(
    request: Request,
    session_id: FormId,
    sure: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Have the Processor forget a session everywhere; it tells the Reporter, as it tells all."""
    if sure != "yes":
        return see_other(request, "/erase", id=session_id)
    with _asking():
        requested = services().erasures.request(session_id)
    return see_other(request, "/erasure", id=requested.erasure_id)


@router.get("/erase-question")
def confirm_question(request: Request, session: Owner, fact: Question) -> Response:
    """Ask before a question is forgotten."""
    return page(
        request, "erase.html", session=session, id=fact.request_id, facts=[fact], single=True
    )


@router.post("/erase-question", dependencies=[Depends(author)])
def erase_question(
    request: Request,
    request_id: FormId,
    at: Annotated[int, Form(ge=0, lt=10**13)] = 0,
    sure: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Have the Processor forget one question everywhere, whoever asked it."""
    if sure != "yes":
        return see_other(request, "/erase-question", at=str(at), id=request_id)
    with _asking():
        requested = services().erasures.request_question(request_id)
    return see_other(request, "/erasure", id=requested.erasure_id)


@router.get("/erasure")
def receipt(
    request: Request,
    session: Owner,
    erasure_id: Annotated[str, Query(alias="id", min_length=1, max_length=64)],
) -> Response:
    """The receipt of an erasure, as far as the services have reported."""
    with _asking():
        known = services().erasures.receipt(erasure_id)
    if known is None:
        raise Refusal(404, "refused.html", what="receipt")
    return page(request, "erasure.html", session=session, receipt=known)


@contextmanager
def _asking() -> Iterator[None]:
    """Says what the Processor did not do, and why."""
    try:
        yield
    except ProcessorError as error:
        what = "older" if isinstance(error, OldProcessorError) else "processor"
        raise Refusal(503, "refused.html", what=what, why=shown(str(error), 120)) from error


def _to_notes(request: Request, done: str) -> Response:
    return see_other(request, "/notes", done=done)


def _view(back: str) -> View:
    today = local_day(services().now_ms(), services().placement.time_zone)
    return read_view(dict(parse_qsl(back)), today)


def _back(request: Request, back: str, done: str, anchor: str, page: str = "") -> Response:
    """Back to the page as it was; only what a view understands survives the way."""
    given = dict(parse_qsl(_view(back).query(done=done)))
    return see_other(request, f"/{page}" if page else "", **given, _anchor=anchor)
