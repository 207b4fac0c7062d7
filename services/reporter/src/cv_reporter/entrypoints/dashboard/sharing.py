"""Share links: making, listing and revoking them, and the page that they lead to."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from cv_reporter.application.dashboard_ports import Share
from cv_reporter.application.dashboard_sharing import SHARE_DAYS, shared
from cv_reporter.application.entry import MAX_TOKEN, SECONDS_PER_DAY, SHARE, opened, token
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.words import shown
from cv_reporter.entrypoints.dashboard.page import page, see_other
from cv_reporter.entrypoints.dashboard.sign_in import Owner, PageRoute, Refusal, author

router = APIRouter(route_class=PageRoute)

MAX_LABEL = 60


@router.get("/shares")
def list_shares(request: Request, session: Owner) -> Response:
    """The share links that are good, each with a way to revoke it."""
    now_s = services().now_ms() // 1_000
    good = [link for link in services().shares.all() if link.expires_s > now_s]
    return page(
        request,
        "shares.html",
        session=session,
        rows=[(link, _token(link)) for link in good],
        durations=SHARE_DAYS,
    )


@router.post("/share", dependencies=[Depends(author)])
def add(
    request: Request,
    days: Annotated[int, Form()],
    label: Annotated[str, Form(max_length=MAX_LABEL)] = "",
) -> Response:
    """Make a share link."""
    if days not in SHARE_DAYS:
        raise Refusal(422, "refused.html", what="form")
    now_s = services().now_ms() // 1_000
    name = shown(label, MAX_LABEL)
    services().shares.put(Share(token_urlsafe(9), name, now_s, now_s + days * SECONDS_PER_DAY))
    return see_other(request, "/shares")


@router.post("/share/revoke", dependencies=[Depends(author)])
def revoke(request: Request, share_id: Annotated[str, Form(alias="id", max_length=32)]) -> Response:
    """Revoke a share link."""
    services().shares.revoke(share_id)
    return see_other(request, "/shares", done="revoked")


@router.get("/shared")
def show(request: Request, key: Annotated[str, Query(max_length=MAX_TOKEN)] = "") -> Response:
    """What a share link shows. The link itself is the right to see it; no cookie is involved."""
    now = services().now_ms()
    claim = opened(key, SHARE, services().dashboard_key(), now)
    if claim is None or services().shares.get(claim.id) is None:
        raise Refusal(403, "refused.html", what="share")
    today = local_day(now, services().placement.time_zone)
    return page(
        request,
        "shared.html",
        board=shared(services().dashboard.summary, today),
        expires_s=claim.expires_s,
    )


def _token(share: Share) -> str:
    return token(SHARE, services().dashboard_key(), share.expires_s, id=share.id)
