"""The REST resources of both services: what their OpenAPI documents and the typed client share."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from cv_contracts._base import ContractModel
from cv_contracts._events import Correlation
from cv_contracts._types import Day, EpochMillis, IsoWeek, OpenOutcome, RequestId, SessionId, Whole

Count = Annotated[int, Field(ge=0), Whole]
Percent = Annotated[float, Field(ge=0, le=100, strict=False, description="Percent, one decimal")]
Millis = Annotated[int, Field(ge=0, description="Milliseconds"), Whole]


class Health(ContractModel):
    """`GET /health` of either service: what is running."""

    status: str
    service: str
    version: str
    commit: str
    contracts: str


class Problem(ContractModel):
    """RFC 9457 problem details. Never carries the input."""

    type: str = "about:blank"
    title: str
    status: Annotated[int, Whole]
    detail: str | None = None
    errors: tuple[str, ...] = Field(default=(), strict=False)


class AcceptedEvent(ContractModel):
    """An event of a submission that is now in the ingest queue."""

    index: Count
    request_id: RequestId


class RejectedEvent(ContractModel):
    """An event of a submission that was refused, and why. Resend it only after mending it."""

    index: Count
    reason: str


class Submission(ContractModel):
    """The answer to `POST /v1/events`: 202 if any event was accepted, else 422."""

    accepted: tuple[AcceptedEvent, ...] = Field(default=(), strict=False)
    rejected: tuple[RejectedEvent, ...] = Field(default=(), strict=False)


class CorrelationQuery(ContractModel):
    """The query string of `GET /v1/correlations`; all filters given must hold.

    `from` (included) and `to` (not included) bound `askedAt`, in milliseconds.
    """

    # FastAPI takes a query model apart, field by field, which it can only do with a built one.
    model_config = ConfigDict(defer_build=False)

    from_: Annotated[EpochMillis | None, Field(alias="from", strict=False)] = None
    to: Annotated[EpochMillis | None, Field(strict=False)] = None
    outcome: OpenOutcome | None = None
    skill: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    session_id: SessionId | None = None
    limit: Annotated[int, Field(ge=1, le=100, strict=False)] = 100
    cursor: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None


class CorrelationPage(ContractModel):
    """A page of correlations, oldest first; `nextCursor` is absent on the last page."""

    items: tuple[Correlation, ...] = Field(strict=False)
    next_cursor: str | None = None


class DayDigest(ContractModel):
    """What reconciliation compares: how many correlations of a UTC day closed, and a digest of
    their `(requestId, revision)` that does not depend on order."""

    day: Day
    correlations: Count
    digest: str


class ErasureCount(ContractModel):
    """What one service removed for an erasure."""

    service: Annotated[str, Field(min_length=1, max_length=80)]
    removed: Count


class Erasure(ContractModel):
    """The receipt of an erasure: `DELETE /v1/sessions/{sessionId}` and
    `DELETE /v1/correlations/{requestId}` (202), and `GET /v1/erasures/{id}`.

    `removed` gains a row as each service reports its count; the receipt does not carry the session
    or question itself, which is forgotten.
    """

    erasure_id: Annotated[str, Field(min_length=1, max_length=64)]
    requested_at: EpochMillis
    removed: tuple[ErasureCount, ...] = Field(default=(), strict=False)


class Totals(ContractModel):
    """The numbers of a period (docs/metrics.md); `None` where there is nothing to compute from."""

    questions: Count
    answered: Count
    full: Count
    partial: Count
    none: Count
    no_response: Count
    mean_score: Percent | None
    full_percent: Percent | None
    coverage_percent: Percent | None
    named_sessions: Count
    latency_p50_ms: Annotated[Millis | None, Field(alias="latencyP50Ms")]
    latency_p95_ms: Annotated[Millis | None, Field(alias="latencyP95Ms")]


class Report(ContractModel):
    """`GET /v1/reports/{week}` as JSON."""

    week: IsoWeek
    time_zone: str
    totals: Totals
