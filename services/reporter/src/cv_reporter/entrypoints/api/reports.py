"""Weekly reports: as JSON, HTML, text or CSV, by suffix or by `Accept`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from cv_contracts.rest import Problem, Report
from fastapi import APIRouter, Header, Query, Response

from cv_reporter.application.ports import StoredReport
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Week
from cv_reporter.entrypoints.api.conditional import conditional
from cv_reporter.entrypoints.api.problems import ApiProblem

if TYPE_CHECKING:  # what sends is only loaded to send
    from cv_reporter.application.publish import SendResult

router = APIRouter(prefix="/v1/reports", tags=["reports"])

FORMS = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}
ACCEPTED = {"text/html": "html", "text/plain": "txt", "text/csv": "csv", "application/json": "json"}

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Report,
        "description": "The report",
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "text/plain": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    },
    404: {"model": Problem, "description": "No report of that week was built yet"},
    422: {"model": Problem, "description": "Not an ISO week"},
}


@router.get("")
def list_reports() -> Response:
    """Every report that was built, newest first."""
    rows = [
        {
            "week": report.week,
            "timeZone": report.time_zone,
            "questions": report.questions,
            "digest": report.digest,
        }
        for report in services().report_store.weeks()
    ]
    return Response(json.dumps({"items": rows}), media_type=FORMS["json"])


@router.get("/{week}", responses=RESPONSES)
def get_report(
    week: str,
    accept: Annotated[str, Header()] = "application/json",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A week's report as it was built. `{week}` may end in `.json`, `.html`, `.txt` or `.csv`."""
    name, dot, suffix = week.partition(".")
    form = suffix if dot else _preferred(accept)
    if form not in FORMS:
        raise ApiProblem(HTTPStatus.NOT_FOUND, "A report ends in .json, .html, .txt or .csv.")
    report = services().report_store.get(str(_week(name)))
    if report is None:
        raise ApiProblem(
            HTTPStatus.NOT_FOUND, "No report of that week was built yet; POST to build it."
        )
    return conditional(
        _rendered(report, form), f"{report.digest}-{form}", FORMS[form], if_none_match
    )


@router.post("/{week}", responses=RESPONSES)
def post_report(week: str, send: Annotated[bool, Query()] = False) -> Response:
    """Build a week's report now, also one of an unfinished week; `send=true` sends it too.

    Who has got that week's mail already does not get it again.
    """
    asked = _week(week)
    if not services().report_builder.has_begun(asked):
        raise ApiProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "That week has not begun.")
    report = services().report_now(asked)
    if send:
        _sent(services().publisher.send(report))
    else:
        services().report_builder.keep(report)
    kept = services().report_store.get(report.week)
    assert kept is not None  # noqa: S101 (it was just kept)
    return Response(kept.body, media_type=FORMS["json"])


def _sent(result: SendResult) -> None:
    """Raise `ApiProblem` unless every mail is known to be out. The report is kept by then."""
    done = f"The report is kept; mails sent in all: {result.sent}, refused: {result.refused}, "
    done += f"in doubt: {result.in_doubt}."
    if result.in_doubt:
        remedy = "Resolve those in doubt on the dashboard's page Reports."
        raise ApiProblem(HTTPStatus.CONFLICT, f"{done} {remedy}")
    if result.refused:
        remedy = "The same request sends to those who have not got it."
        raise ApiProblem(HTTPStatus.SERVICE_UNAVAILABLE, f"{done} {remedy}")


def _week(text: str) -> Week:
    try:
        return Week.parse(text)
    except ValueError:
        raise ApiProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "A week looks like 2025-W46 and must exist."
        ) from None


def _preferred(accept: str) -> str:
    """The first media type of `Accept` that a report has; JSON for anything else."""
    wanted = (part.partition(";")[0].strip() for part in accept.split(","))
    return next((ACCEPTED[media_type] for media_type in wanted if media_type in ACCEPTED), "json")


def _rendered(kept: StoredReport, form: str) -> str:
    if form == "json":
        return kept.body
    from cv_reporter.application.wire.documents import (  # noqa: PLC0415 (JSON needs none of these)
        read_report,
    )
    from cv_reporter.presentation.csv import render_csv  # noqa: PLC0415
    from cv_reporter.presentation.mail import render_html, render_text  # noqa: PLC0415

    report = read_report(kept.body)
    return {"html": render_html, "txt": render_text, "csv": render_csv}[form](report)
