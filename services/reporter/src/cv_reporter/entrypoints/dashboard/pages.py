"""The dashboard's routes: the board here, the other pages in the modules beside it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from cv_reporter.application.dashboard_view import SPAN_NAMES, read_view
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.report import actions
from cv_reporter.entrypoints.dashboard import (
    changes,
    questions,
    reports,
    sharing,
    sign_in,
    unsubscribe,
)
from cv_reporter.entrypoints.dashboard.board_text import apart, steps
from cv_reporter.entrypoints.dashboard.page import DASHBOARD, page
from cv_reporter.entrypoints.dashboard.sign_in import PageRoute, Refusal, entrance, owner

router = APIRouter(prefix="/dashboard", include_in_schema=False, route_class=PageRoute)

FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("")
def board(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The page; or, for a signed link, the way in."""
    if token:
        return entrance(request, token)
    session = owner(request)
    today = local_day(services().now_ms(), services().settings.time_zone)
    view = read_view(request.query_params, today)
    numbers = services().dashboard.board(view, today)
    template = "empty.html" if numbers.first_day is None else "board.html"
    found, policy = numbers.findings, services().policy
    tasks, declined = apart(found, policy)
    return page(
        request,
        template,
        session=session,
        board=numbers,
        view=view,
        today=today,
        now=services().now_ms(),
        spans=SPAN_NAMES,
        steps=steps(actions(found.gaps, found.vocabulary), found.groups),
        tasks=tasks,
        declined=declined,
        attack=policy.prompt_attack,
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
