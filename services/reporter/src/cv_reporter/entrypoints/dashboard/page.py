"""Rendering: the templates, the headers that protect a page, and links under any path prefix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cv_reporter.application.entry import form_token
from cv_reporter.bootstrap import services
from cv_reporter.domain.report import counted, question_of, times
from cv_reporter.domain.words import shown
from cv_reporter.entrypoints.dashboard import board_text
from cv_reporter.presentation import TEMPLATES, charts, wording

DASHBOARD = TEMPLATES / "dashboard"
MOUNT = "/dashboard"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: a browser then sends a form with the origin `null`, which proves nothing.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

SAVED = {
    "gap": "The decision is saved.",
    "note": "The note is saved.",
    "note_elsewhere": "The note is saved. Its day is not among the days shown: see Notes.",
    "unnoted": "The note is removed.",
    "revoked": "The link is revoked: it leads nowhere now.",
    "sent": "The report is sent.",
    "unsent": "Nothing was sent: everybody has that week’s mail already, or gets none any more.",
    "refused": "The mail service refused a mail. Who got it stands below; it can be sent again.",
    "doubt": "We can’t tell whether a mail went out. Look for it before you send it again.",
    "built": "The report is built and kept. It was sent to nobody.",
    "resolved": "That is noted; nothing was sent.",
    "settled": "Nothing was changed: that was settled meanwhile.",
    "resumed": "Mail goes to that address again, from the next one on.",
}
"""What a page says after a form, by the code in its address: an address can't put words here."""


@cache
def environment() -> Environment:
    """The templates; everything is escaped, and a missing value is an error."""
    jinja = Environment(
        loader=FileSystemLoader(DASHBOARD),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals |= {
        "charts": charts,
        "wording": wording,
        "says": board_text,
        "counted": counted,
        "query": _query,
        "question_of": question_of,
        "style_tag": style_tag(),
    }
    jinja.filters |= {
        "shown": shown,
        "times": times,
        "local": _when,
        "moment": _moment,
        "day": wording.day_text,
    }
    return jinja


def _query(**given: Any) -> str:
    """A query string of what is not empty."""
    return urlencode({name.rstrip("_"): value for name, value in given.items() if value})


def _when(at_ms: int) -> str:
    return wording.when(at_ms, services().placement.time_zone)


def _moment(at_ms: int) -> str:
    return wording.moment(at_ms, services().placement.time_zone)


@cache
def style_tag() -> str:
    """Changes with the style sheet, so that it can be cached for good."""
    return sha256((DASHBOARD / "style.css").read_bytes()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in owner; `id` is the cookie's token."""

    id: str

    @property
    def form_token(self) -> str:
        """What this session's forms carry."""
        return form_token(self.id, services().dashboard_key())


def base_of(request: Request) -> str:
    """The way up from a page to the folder that holds `dashboard`, whatever the prefix.

    The app may be served under a path that it does not know; relative links hold anywhere.
    """
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return "../" * path.removeprefix(MOUNT).count("/")


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    session: Session | None = None,
    **values: Any,
) -> HTMLResponse:
    """A rendered page with the headers that protect it."""
    html = (
        environment()
        .get_template(template)
        .render(
            base=base_of(request),
            csrf=session.form_token if session else "",
            done=SAVED.get(request.query_params.get("done", ""), ""),
            unfollowed=services().unfollowed if session else "",
            **values,
        )
    )
    return HTMLResponse(html, status, headers=HEADERS)


def see_other(request: Request, path: str, **given: Any) -> RedirectResponse:
    """Go on to another page of the dashboard after a form; `_anchor` is a place on it."""
    anchor = given.pop("_anchor", "")
    query = _query(**given)
    start = "&" if "?" in path else "?"
    where = f"{base_of(request)}dashboard{path}" + (f"{start}{query}" if query else "")
    answer = RedirectResponse(where + (f"#{anchor}" if anchor else ""), 303)
    answer.headers.update(HEADERS)
    return answer
