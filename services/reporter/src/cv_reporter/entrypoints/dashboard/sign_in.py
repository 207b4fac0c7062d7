"""Who may see the dashboard: the holder of a session cookie, for which a signed link is exchanged.

A link opens a page with a button: mail scanners follow links, but send no forms.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from secrets import token_urlsafe
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from cv_reporter.application.entry import (
    LINK,
    LINK_DAYS,
    MAX_TOKEN,
    SESSION,
    Token,
    is_form_of,
    opened,
    session_token,
)
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.dashboard.page import Session, page, see_other

COOKIE = "cv_analytics_owner"
BACK = "cv_analytics_back"
"""Which page somebody wanted who was not signed in; for an hour."""
BACK_SECONDS = 3_600
MAX_TARGET = 1_000
CREDENTIALS = frozenset({"token", "page"})
TARGETS = frozenset({"question", "questions", "reports", "report", "session", "notes", "shares"})
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
                answer = page(request, refusal.template, status=refusal.status, **refusal.values)
                return _remembered(request, answer) if refusal.status == 401 else answer  # noqa: PLR2004
            except RequestValidationError:
                return page(request, "refused.html", status=422, what="form")

        return answered


router = APIRouter(route_class=PageRoute)


def signed_in(request: Request) -> Token | None:
    """The sign-in whose cookie a request carries, if it is good and was not ended."""
    cookie = request.cookies.get(COOKIE, "")
    claim = opened(cookie, SESSION, services().dashboard_key(), services().now_ms())
    return None if claim is None or services().ended_sessions.has(claim.id) else claim


def owner(request: Request) -> Session:
    """The signed-in owner. Raises `Refusal` for everybody else."""
    if signed_in(request) is None:
        raise Refusal(401, "expired.html", wrote=request.method == "POST", days=LINK_DAYS)
    return Session(request.cookies[COOKIE])


Owner = Annotated[Session, Depends(owner)]


def author(session: Owner, csrf: Annotated[str, Form(max_length=64)] = "") -> None:
    """Let pass who is signed in and sent a form of this very session. Raises `Refusal`."""
    if not is_form_of(csrf, session.id, services().dashboard_key()):
        raise Refusal(403, "refused.html", what="stale")


def entrance(request: Request, token: str) -> Response:
    """The page of a signed link: a button that signs in, or its target for who is signed in."""
    target = target_of(request.query_params)
    if signed_in(request):
        return see_other(request, target)
    if opened(token, LINK, services().dashboard_key(), services().now_ms()) is None:
        raise Refusal(401, "expired.html", wrote=False, days=LINK_DAYS)
    return page(request, "enter.html", token=token, target=target, days=LINK_DAYS)


@router.post("/enter")
def enter(
    request: Request,
    token: Annotated[str, Form(max_length=MAX_TOKEN)],
    target: Annotated[str, Form(max_length=MAX_TARGET)] = "",
) -> Response:
    """Exchange a link's token for a cookie and go to the link's page."""
    key, now = services().dashboard_key(), services().now_ms()
    link = opened(token, LINK, key, now)
    if link is None:
        raise Refusal(401, "expired.html", wrote=False, days=LINK_DAYS)
    answer = see_other(request, _safe(target or unquote(request.cookies.get(BACK, ""))))
    _set(request, answer, BACK, "", 0)
    cookie = session_token(key, link, token_urlsafe(9))
    _set(request, answer, COOKIE, cookie, link.expires_s - now // 1_000)
    return answer


@router.post("/leave", dependencies=[Depends(author)])
def leave(request: Request) -> Response:
    """End the session here, so that a copy of the cookie opens nothing, and forget the cookie."""
    if session := signed_in(request):
        services().ended_sessions.end(session.id, session.expires_s)
    answer = page(request, "signed_out.html")
    _set(request, answer, COOKIE, "", 0)
    return answer


def target_of(given: Mapping[str, str]) -> str:
    """The page that a link leads to, below `dashboard` whatever the link says: its own filters."""
    filters = {name: text for name, text in given.items() if name not in CREDENTIALS}
    name = given.get("page", "")
    where = f"/{name}" if name in TARGETS else ""
    return f"{where}?{urlencode(filters)}" if filters else where


def _safe(target: str) -> str:
    """A target that came from outside, as `target_of` would have made it."""
    path, _, query = target.partition("?")
    return target_of(dict(parse_qsl(query)) | {"page": path.removeprefix("/")})


def _remembered(request: Request, answer: Response) -> Response:
    """Note which page was asked for, so that the next sign-in leads there."""
    name = request.url.path.rpartition("/dashboard/")[2]
    if request.method == "GET" and name in TARGETS:
        wanted = target_of({**request.query_params, "page": name})
        _set(request, answer, BACK, quote(wanted[:MAX_TARGET]), BACK_SECONDS)
    return answer


def _set(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=None,  # the browser takes the page's own folder, whatever prefix the API is under
        secure=request.url.hostname not in LOOPBACK,
        httponly=True,
        samesite="lax",  # strict would not be sent on the way from a mail program
    )
