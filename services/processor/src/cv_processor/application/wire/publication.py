"""From a closed correlation to the contract's event. The same state gives the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from cv_contracts import events as wire
from cv_contracts.tracing import trace_context

from cv_processor.domain.correlation import Correlation
from cv_processor.domain.erasure import Erased, Session
from cv_processor.domain.values import ResponseTimes, Skill

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor")
ErasedEvent = TypeVar("ErasedEvent", wire.SessionErased, wire.QuestionErased)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def published(correlation: Correlation) -> wire.Correlation:
    """The correlation as others see it. Only a closed one may be published."""
    if correlation.query is None or not correlation.closed:
        raise ValueError(f"{correlation.request_id} is open; only closed ones are published")
    query, response = correlation.query, correlation.response
    return wire.Correlation(
        request_id=correlation.request_id,
        revision=correlation.revision,
        outcome=wire.Outcome(correlation.outcome),
        asked_at=query.at,
        session_id=correlation.session_id,
        question=query.text,
        question_truncated=query.truncated or None,
        skills=tuple(_skill(skill) for skill in query.skills),
        aliases_used=tuple(
            wire.AliasUse(skill=use.skill, alias=use.alias) for use in query.aliases
        ),
        intents=query.intents,
        client=wire.ClientClass(query.client),
        referer_host=query.referer,
        synthetic=query.synthetic,
        clock_skewed=correlation.clock_skewed,
        answered_at=response.at if response else None,
        match_score=response.score if response else None,
        reasoning=response.reasoning if response else None,
        sources=response.sources if response else (),
        vector_matches=response.vectors if response else None,
        response_times=_times(response.times) if response and response.times else None,
    )


def _skill(skill: Skill) -> wire.Skill:
    return wire.Skill(name=skill.name, category=skill.category, umbrella=skill.umbrella)


def _times(times: ResponseTimes) -> wire.ResponseTimes:
    return wire.ResponseTimes(
        total_ms=times.total_ms,
        retrieval_ms=times.retrieval_ms,
        llm_ms=times.llm_ms,
        cache_hit=times.cache_hit,
    )


def completed_event(correlation: Correlation) -> wire.CorrelationCompleted:
    """The event that reports this revision of a closed correlation."""
    data = published(correlation)
    identity = event_id(data.request_id, wire.CorrelationCompleted.DETAIL_TYPE, data.revision)
    return wire.CorrelationCompleted.of(
        data,
        id=str(identity),
        subject=data.request_id,
        time=timestamp(correlation.concluded_at or data.asked_at),
        traceparent=trace_context(data.request_id, identity.hex[:16]),
    )


def erased_event(erasure: Erased) -> wire.SessionErased | wire.QuestionErased:
    """The event that reports an erasure. Its subject is the erasure, not what was erased."""
    if isinstance(erasure.subject, Session):
        return _reported(wire.SessionErased, _session_erasure(erasure), erasure)
    return _reported(wire.QuestionErased, _question_erasure(erasure), erasure)


def _session_erasure(erasure: Erased) -> wire.SessionErasure:
    return wire.SessionErasure(
        erasure_id=erasure.erasure_id,
        session_id=erasure.subject.id,
        erased_at=erasure.erased_at,
        correlations=erasure.correlations,
    )


def _question_erasure(erasure: Erased) -> wire.QuestionErasure:
    return wire.QuestionErasure(
        erasure_id=erasure.erasure_id,
        request_id=erasure.subject.id,
        asked_at=erasure.asked_at,
        erased_at=erasure.erased_at,
        correlations=erasure.correlations,
    )


def _reported(
    event: type[ErasedEvent], data: wire.SessionErasure | wire.QuestionErasure, erasure: Erased
) -> ErasedEvent:
    identity = event_id(erasure.erasure_id, event.DETAIL_TYPE, 1)
    return event.of(
        data,
        id=str(identity),
        subject=erasure.erasure_id,
        time=timestamp(erasure.erased_at),
        traceparent=trace_context(erasure.erasure_id, identity.hex[:16]),
    )


def event_id(subject: str, detail_type: str, revision: int) -> UUID:
    """The id of an event: the same state always publishes under the same id."""
    return uuid5(_NAMESPACE, f"{subject}#{detail_type}#{revision}")


def timestamp(millis: int) -> str:
    """RFC 3339 with milliseconds, UTC."""
    moment = _EPOCH + timedelta(milliseconds=millis)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1_000:03d}Z"
