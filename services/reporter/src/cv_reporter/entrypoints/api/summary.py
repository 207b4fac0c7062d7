"""The numbers of any period, from day summaries."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

from cv_contracts.rest import Problem
from fastapi import APIRouter, Header, Query, Response
from pydantic import AfterValidator

from cv_reporter.application.queries import MAX_PERIOD_DAYS
from cv_reporter.application.wire.documents import Document
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Period, countable
from cv_reporter.domain.report import PeriodSummary
from cv_reporter.entrypoints.api.conditional import JSON, conditional
from cv_reporter.entrypoints.api.problems import ApiProblem
from cv_reporter.entrypoints.api.schemas import json_answer

router = APIRouter(prefix="/v1", tags=["reports"])

Day = Annotated[date, AfterValidator(countable)]
First = Annotated[Day, Query(alias="from", description="First local day", examples=["2025-11-10"])]
Last = Annotated[
    Day, Query(alias="to", description="Last local day, included", examples=["2025-11-16"])
]


@router.get(
    "/summary",
    responses={
        200: json_answer(PeriodSummary, "The period's numbers"),
        422: {"model": Problem, "description": "Not a period"},
    },
)
def get_summary(
    first: First,
    last: Last,
    attacks: Annotated[bool, Query(description="Count prompt attacks")] = True,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Totals and findings of these days beside the equally many days before."""
    summary = services().queries.period(period_of(first, last), attacks=attacks)
    body = Document[PeriodSummary](summary).model_dump_json()
    return conditional(body, None, JSON, if_none_match)


def period_of(first: date, last: date) -> Period:
    """The period, if it is one that can be read at once."""
    if not 0 <= (last - first).days < MAX_PERIOD_DAYS:
        raise ApiProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"`to` must not be before `from`, nor {MAX_PERIOD_DAYS} days or more after it.",
        )
    return Period(first, last)
