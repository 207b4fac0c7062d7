"""From a closed correlation to the contract's event. The same state gives the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import NAMESPACE_URL, UUID, uuid5

from cv_contracts.events import Correlation as PublishedCorrelation
from cv_contracts.events import CorrelationCompleted, SessionErased, SessionErasure

from cv_processor.domain.correlation import Correlation

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def published(correlation: Correlation) -> PublishedCorrelation:
    """The correlation as others see it. Only a closed one may be published."""
    if correlation.query is None or not correlation.closed:
        raise ValueError(f"{correlation.request_id} is open; only closed ones are published")
    query, response = correlation.query, correlation.response
    return PublishedCorrelation(
        request_id=correlation.request_id,
        revision=correlation.revision,
        outcome=correlation.outcome,
        asked_at=query.at,
        session_id=correlation.session_id,
        question=query.text,
        question_truncated=query.truncated or None,
        skills=query.skills,
        aliases_used=query.aliases,
        intents=query.intents,
        client=query.client,
        referer_host=query.referer,
        synthetic=query.synthetic,
        clock_skewed=correlation.clock_skewed,
        answered_at=response.at if response else None,
        match_score=response.score if response else None,
        reasoning=response.reasoning if response else None,
        sources=response.sources if response else (),
        vector_matches=response.vectors if response else None,
        response_times=response.times if response else None,
    )


def completed_event(correlation: Correlation) -> CorrelationCompleted:
    """The event that reports this revision of a closed correlation."""
    data = published(correlation)
    identity = event_id(data.request_id, CorrelationCompleted.DETAIL_TYPE, data.revision)
    return CorrelationCompleted.of(
        data,
        id=str(identity),
        subject=data.request_id,
        time=timestamp(correlation.concluded_at or data.asked_at),
        traceparent=_traceparent(data.request_id, identity),
    )


def erased_event(erasure: SessionErasure) -> SessionErased:
    """The event that reports an erasure. Its subject is the erasure, not the session."""
    identity = event_id(erasure.erasure_id, SessionErased.DETAIL_TYPE, 1)
    return SessionErased.of(
        erasure,
        id=str(identity),
        subject=erasure.erasure_id,
        time=timestamp(erasure.erased_at),
        traceparent=_traceparent(erasure.erasure_id, identity),
    )


def event_id(subject: str, detail_type: str, revision: int) -> UUID:
    """The id of an event: the same state always publishes under the same id."""
    return uuid5(_NAMESPACE, f"{subject}#{detail_type}#{revision}")


def timestamp(millis: int) -> str:
    """RFC 3339 with milliseconds, UTC."""
    moment = _EPOCH + timedelta(milliseconds=millis)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1_000:03d}Z"


def _traceparent(subject: str, identity: UUID) -> str:
    """One trace per question: the trace id is of the subject, the span id of this event."""
    trace = sha256(f"trace#{subject}".encode()).hexdigest()[:32]
    return f"00-{trace}-{identity.hex[:16]}-01"
