"""The archive: every week as it was reported, the next one as it stands, and sending."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from cv_reporter.application.publish import SendResult
from cv_reporter.application.wire.documents import read_report, report_json
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Week, last_complete_week, local_day
from cv_reporter.entrypoints.dashboard.page import HEADERS, page, see_other
from cv_reporter.entrypoints.dashboard.sign_in import Owner, PageRoute, Refusal, author, owner
from cv_reporter.presentation.csv import render_csv
from cv_reporter.presentation.mail import render_html, render_text

router = APIRouter(route_class=PageRoute)

PAGE = 13
"""A quarter of weeks."""

FORMS = {
    "html": ("text/html; charset=utf-8", render_html),
    "txt": ("text/plain; charset=utf-8", render_text),
    "csv": ("text/csv; charset=utf-8", render_csv),
    "json": ("application/json", report_json),
}
# The mail brings its own style sheet and nothing else; the sandbox keeps it from doing anything.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


@router.get("/reports")
def archive(
    request: Request, session: Owner, before: Annotated[str, Query(max_length=8)] = ""
) -> Response:
    """Every week that was reported, newest first."""
    weeks = [
        report
        for report in services().report_builder.reports.weeks()
        if not before or report.week < before
    ]
    ledger = services().publisher.ledger
    now = services().now_ms()
    return page(
        request,
        "reports.html",
        session=session,
        rows=[(report, ledger.lines(report.week)) for report in weeks[:PAGE]],
        older=weeks[PAGE - 1].week if len(weeks) > PAGE else "",
        current=str(Week.of(local_day(now, services().settings.time_zone))),
        complete=str(last_complete_week(now, services().settings.time_zone)),
        recipients=services().publisher.recipients,
        suppressed=services().report_builder.suppressions.all(),
    )


@router.get("/report", dependencies=[Depends(owner)])
def one(
    week: Annotated[str, Query(max_length=8)],
    form: Annotated[str, Query(pattern="^(html|txt|csv|json)$")] = "html",
) -> Response:
    """A week as it was reported; one that was not yet, as it stands now."""
    asked = _week(week)
    kept = services().report_builder.reports.get(str(asked))
    report = read_report(kept.body) if kept else services().report_builder.preview(asked)
    media_type, render = FORMS[form]
    headers = {**HEADERS, "Content-Security-Policy": MAIL_POLICY}
    return Response(render(report), media_type=media_type, headers=headers)


@router.get("/send")
def confirm(
    request: Request, session: Owner, week: Annotated[str, Query(max_length=8)]
) -> Response:
    """Ask before mail goes out."""
    asked = _week(week)
    return page(
        request,
        "send.html",
        session=session,
        week=str(asked),
        unfinished=asked > last_complete_week(services().now_ms(), services().settings.time_zone),
        recipients=services().publisher.recipients,
        lines=services().publisher.ledger.lines(str(asked)),
    )


@router.post("/send", dependencies=[Depends(author)])
def send(request: Request, week: Annotated[str, Form(max_length=8)]) -> Response:
    """Build a week's report and send it to whoever has not got it."""
    asked = _week(week)
    had = sum(line.state == "SENT" for line in services().publisher.ledger.lines(str(asked)))
    result = services().publisher.send(services().report_now(asked))
    return see_other(request, "/reports", done=outcome_of(result, had))


def outcome_of(result: SendResult, had: int) -> str:
    """The code of what to say about a sending; `had` recipients had the mail before."""
    if result.refused:
        return "refused"
    if result.in_doubt:
        return "doubt"
    return "sent" if result.sent > had else "unsent"


def _week(text: str) -> Week:
    try:
        return Week.parse(text)
    except ValueError:
        raise Refusal(404, "refused.html", what="week") from None
