"""The archive: every week, who got which version of its report; building, sending, resolving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from cv_reporter.application.ports import Sending
from cv_reporter.application.publish import SendResult
from cv_reporter.application.wire.documents import read_report, report_json
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.report import WeeklyReport
from cv_reporter.entrypoints.dashboard.page import HEADERS, page, see_other
from cv_reporter.entrypoints.dashboard.sign_in import Owner, PageRoute, Refusal, author, owner
from cv_reporter.presentation.csv import render_csv
from cv_reporter.presentation.mail import IN_DASHBOARD, render_html, render_text

router = APIRouter(route_class=PageRoute)

PAGE = 13
"""A quarter of weeks."""

FORMS: dict[str, tuple[str, Callable[[WeeklyReport], str]]] = {
    "html": ("text/html; charset=utf-8", partial(render_html, link=IN_DASHBOARD)),
    "txt": ("text/plain; charset=utf-8", render_text),
    "csv": ("text/csv; charset=utf-8", render_csv),
    "json": ("application/json", report_json),
}
# The mail brings its own style sheet and nothing else; the sandbox keeps it from doing anything.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

WeekText = Annotated[str, Query(max_length=8)]
WeekField = Annotated[str, Form(max_length=8)]


@router.get("/reports")
def archive(
    request: Request, session: Owner, before: Annotated[str, Query(max_length=8)] = ""
) -> Response:
    """Every week, newest first, and the one that is not over."""
    kept = services().archive
    weeks, older = kept.weeks(_week(before) if before else None, PAGE)
    current = kept.current()
    return page(
        request,
        "reports.html",
        session=session,
        weeks=weeks,
        older=older,
        current=current,
        due=current.period.last + timedelta(days=1),
        doubtful={row.week: kept.doubtful(row.lines) for row in (current, *weeks)},
        recipients=kept.recipients,
        stopped=kept.suppressions.all(),
    )


@router.get("/report", dependencies=[Depends(owner)])
def one(
    week: WeekText,
    form: Annotated[str, Query(pattern="^(html|txt|csv|json)$")] = "html",
    version: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """A week's report: the version that was mailed, else as kept, else as it stands now."""
    media_type, render = FORMS[form]
    headers = {**HEADERS, "Content-Security-Policy": MAIL_POLICY}
    return Response(render(_report(_week(week), version)), media_type=media_type, headers=headers)


def _report(week: Week, version: str) -> WeeklyReport:
    store = services().report_store
    kept = store.letter(str(week), version) if version else store.get(str(week))
    if version and kept is None:
        raise Refusal(404, "refused.html", what="week")
    if kept is None or (kept.unfinished and not version):
        return services().report_builder.preview(week)
    return read_report(kept.body)


@router.get("/send")
def confirm(request: Request, session: Owner, week: WeekText) -> Response:
    """Ask before mail goes out."""
    chosen = services().archive.of(_week(week))
    return page(
        request,
        "send.html",
        session=session,
        chosen=chosen,
        unfinished=chosen.week == services().archive.current().week,
        got={line.recipient for line in chosen.lines if line.state == "SENT" and not line.until},
    )


@router.post("/send", dependencies=[Depends(author)])
def send(request: Request, week: WeekField) -> Response:
    """Build a week's report and send it to whoever has not got it."""
    asked = _week(week)
    had = _sent(asked)
    result = services().publisher.send(services().report_now(asked))
    return see_other(request, "/reports", done=outcome_of(result, _sent(asked) - had))


@router.post("/build", dependencies=[Depends(author)])
def build(request: Request, week: WeekField) -> Response:
    """Build a week's report and keep it. It goes to nobody."""
    services().report_builder.keep(services().report_now(_week(week)))
    return see_other(request, "/reports", done="built")


@router.post("/resolve", dependencies=[Depends(author)])
def resolve(
    request: Request,
    week: WeekField,
    recipient: Annotated[str, Form(max_length=320)],
    arrived: Annotated[str, Form(pattern="^(yes|no)$")],
    until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Say what became of a mail in doubt; one of a whole week that did not arrive is sent again."""
    asked = _week(week)
    line = _in_doubt(asked, recipient, until)
    state = "SENT" if arrived == "yes" else "REFUSED"
    if line is None or not services().ledger.resolve(line, state):
        return see_other(request, "/reports", done="settled")
    if state == "SENT" or until:
        return see_other(request, "/reports", done="resolved")
    result = services().publisher.send(services().report_now(asked), only=recipient)
    return see_other(request, "/reports", done=outcome_of(result, result.sent))


@router.post("/resume", dependencies=[Depends(author)])
def resume(request: Request, address: Annotated[str, Form(max_length=320)]) -> Response:
    """Let mail go to a stopped address again."""
    resumed = services().suppressions.remove(address)
    return see_other(request, "/reports", done="resumed" if resumed else "settled")


def outcome_of(result: SendResult, new: int) -> str:
    """The code of what to say about a sending, by which so many `new` recipients got the mail."""
    if result.refused:
        return "refused"
    if result.in_doubt:
        return "doubt"
    return "sent" if new else "unsent"


def _sent(week: Week) -> int:
    lines = services().ledger.every_line(str(week))
    return sum(line.state == "SENT" for line in lines)


def _in_doubt(week: Week, recipient: str, until: str) -> Sending | None:
    kept = services().archive
    lines = kept.doubtful(kept.ledger.every_line(str(week)))
    chosen = (line for line in lines if (line.recipient, line.until) == (recipient, until))
    return next(chosen, None)


def _week(text: str) -> Week:
    """A week that has begun. Raises `Refusal`."""
    try:
        week = Week.parse(text)
    except ValueError:
        raise Refusal(404, "refused.html", what="week") from None
    if not services().report_builder.has_begun(week):
        raise Refusal(404, "refused.html", what="week")
    return week
