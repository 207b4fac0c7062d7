"""The dashboard's routes: the board here, the other pages in the modules beside it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from cv_reporter.application.dashboard import Board
from cv_reporter.application.dashboard_view import SPAN_NAMES, read_view
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import local_day
from cv_reporter.entrypoints.dashboard import (
    changes,
    questions,
    reports,
    sharing,
    sign_in,
    unsubscribe,
)
from cv_reporter.entrypoints.dashboard.board_text import apart
from cv_reporter.entrypoints.dashboard.page import DASHBOARD, Session, page
from cv_reporter.entrypoints.dashboard.sign_in import (
    Owner,
    PageRoute,
    Refusal,
    entrance,
    owner,
)

router = APIRouter(prefix="/dashboard", include_in_schema=False, route_class=PageRoute)

FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("")
def board(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The page; or, for a signed link, the way in."""
    if token:
        return entrance(request, token)
    session, numbers = owner(request), _numbers(request)
    quoted = services().dashboard.actions(numbers.findings)
    return _of_period(request, session, "board.html", numbers, actions=quoted)


@router.get("/details")
def details(request: Request, session: Owner) -> Response:
    """The lists of a period at full length, and what the board leaves out."""
    return _of_period(request, session, "details.html", _numbers(request))


def _numbers(request: Request) -> Board:
    today = local_day(services().now_ms(), services().placement.time_zone)
    return services().dashboard.board(read_view(request.query_params, today), today)


def _of_period(
    request: Request, session: Session, template: str, numbers: Board, **values: Any
) -> Response:
    policy = services().policy
    tasks, declined = apart(numbers.findings, policy)
    now = services().now_ms()
    return page(
        request,
        "empty.html" if numbers.first_day is None else template,
        session=session,
        board=numbers,
        view=numbers.view,
        today=local_day(now, services().placement.time_zone),
        now=now,
        spans=SPAN_NAMES,
        tasks=tasks,
        declined=declined,
        attack=policy.prompt_attack,
        dead_letters=services().dead_letters.waiting_if_known(),
        **values,
    )


@router.get("/")
def with_slash(request: Request) -> Response:
    """The same page without the slash, under which relative links are meant."""
    query = request.url.query
    return RedirectResponse("../dashboard" + (f"?{query}" if query else ""), 308)


@router.get("/style.css")
def style() -> Response:
    """The style sheet."""
    css = " ".join((DASHBOARD / "style.css").read_text(encoding="utf-8").split())
    return Response(css, media_type="text/css", headers=FOR_GOOD)


@router.get("/icon.svg")
def icon() -> Response:
    """The icon of the browser's tab."""
    svg = (DASHBOARD / "icon.svg").read_text(encoding="utf-8")
    return Response(svg, media_type="image/svg+xml", headers=FOR_GOOD)


for _part in (sign_in, questions, reports, changes, sharing, unsubscribe):
    router.include_router(_part.router)


@router.get("/{_rest:path}", dependencies=[Depends(owner)])
def nowhere() -> Response:
    """Any other address."""
    raise Refusal(404, "refused.html", what="nowhere")
