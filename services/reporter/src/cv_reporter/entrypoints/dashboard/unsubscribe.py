"""The way out of the weekly mail, for whoever gets it: no sign-in, one click (RFC 8058)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cv_reporter.application.entry import UNSUBSCRIBE, opened, recipient_id
from cv_reporter.application.overdue import UNSUBSCRIBED
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.dashboard.page import page
from cv_reporter.entrypoints.dashboard.sign_in import PageRoute, Refusal

router = APIRouter(route_class=PageRoute)

Token = Annotated[str, Query(max_length=200)]


@router.get("/unsubscribe")
def ask(request: Request, token: Token = "") -> Response:
    """Ask first: a mail scanner follows links, and must not end anybody's mails."""
    _recipient(token)
    return page(request, "unsubscribe.html", token=token, stopped=False)


@router.post("/unsubscribe")
def stop(request: Request, token: Token = "") -> Response:
    """End the mails to the link's recipient; a mail program posts here at one click."""
    services().suppressions.add(_recipient(token), UNSUBSCRIBED, services().now_ms())
    return page(request, "unsubscribe.html", token=token, stopped=True)


def _recipient(token: str) -> str:
    """The recipient whom a genuine link stands for. Raises `Refusal`."""
    genuine = opened(token, UNSUBSCRIBE, services().dashboard_key(), services().now_ms())
    known = {recipient_id(address): address for address in services().settings.recipients}
    if genuine is None or genuine.id not in known:
        raise Refusal(403, "refused.html", what="unsubscribe")
    return known[genuine.id]
