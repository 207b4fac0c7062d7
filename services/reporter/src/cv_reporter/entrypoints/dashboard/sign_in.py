"""Who may see the dashboard: the holder of a session cookie, which a signed link brings."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from secrets import token_urlsafe
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from cv_reporter.application.entry import (
    LINK,
    SECONDS_PER_DAY,
    SESSION,
    SESSION_DAYS,
    is_form_of,
    opened,
    session_token,
)
from cv_reporter.bootstrap import clock, dashboard_key
from cv_reporter.entrypoints.dashboard.page import Session, base_of, page

COOKIE = "cv_analytics_session"
CREDENTIALS = frozenset({"token"})
TARGETS = frozenset({"question", "questions", "reports"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """A page other than the one asked for."""

    def __init__(self, status: int, template: str, **values: Any) -> None:
        super().__init__(template)
        self.status = status
        self.template = template
        self.values = values


class PageRoute(APIRoute):
    """A route whose refusals are pages, not problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with refusals answered."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return page(request, refusal.template, status=refusal.status, **refusal.values)
            except RequestValidationError:
                return page(request, "refused.html", status=422, what="form")

        return answered


def owner(request: Request) -> Session:
    """The signed-in owner. Raises `Refusal` for everybody else."""
    cookie = request.cookies.get(COOKIE, "")
    if opened(cookie, SESSION, dashboard_key(), clock()()) is None:
        raise Refusal(401, "expired.html", wrote=request.method == "POST")
    return Session(cookie)


Owner = Annotated[Session, Depends(owner)]


def author(session: Owner, csrf: Annotated[str, Form(max_length=64)] = "") -> None:
    """Let pass who is signed in and sent a form of this very session. Raises `Refusal`."""
    if not is_form_of(csrf, session.id, dashboard_key()):
        raise Refusal(403, "refused.html", what="stale")


def enter(request: Request, token: str) -> Response | None:
    """Exchange a link's token for a cookie and go to the link's page; `None` if invalid."""
    now = clock()()
    if opened(token, LINK, dashboard_key(), now) is None:
        return None
    answer = RedirectResponse(base_of(request) + target(request), status_code=303)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.set_cookie(
        COOKIE,
        session_token(dashboard_key(), now, token_urlsafe(9)),
        max_age=SESSION_DAYS * SECONDS_PER_DAY,
        path=None,  # the browser takes the link's own folder, whatever prefix the API is under
        secure=request.url.hostname not in LOOPBACK,
        httponly=True,
        samesite="lax",  # strict would not be sent on the way from a mail program
    )
    return answer


def target(request: Request) -> str:
    """The page that a link leads to, below `dashboard` whatever the link says: its own filters."""
    given = {name: text for name, text in request.query_params.items() if name not in CREDENTIALS}
    page_name = given.pop("page", "")
    where = f"dashboard/{page_name}" if page_name in TARGETS else "dashboard"
    return f"{where}?{urlencode(given)}" if given else where


def leave(request: Request) -> Response:
    """Forget the cookie."""
    answer = page(request, "signed_out.html")
    answer.set_cookie(COOKIE, "", max_age=0, path=None, httponly=True, samesite="lax")
    return answer
