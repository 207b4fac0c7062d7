"""From a chatbot's event to the half that is stored: redacted, reduced, enriched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cv_contracts.chatbot import (
    QueryEvent,
    QueryMetadata,
    ResponseEvent,
    ResponseMetadata,
)

from cv_processor.application.wire.content import content_hash
from cv_processor.domain.correlation import Half, Query, Response
from cv_processor.domain.enrichment import enrich
from cv_processor.domain.redaction import redact, referer_host, user_agent_class
from cv_processor.domain.values import ANONYMOUS_SESSION, MatchType, ResponseTimes

MAX_TEXT = 4_000
BLANK = "[blank]"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A half on its way in, with the question that it belongs to."""

    request_id: str
    half: Half

    @property
    def session_id(self) -> str | None:
        """The visitor's session, if the event named one."""
        return self.half.session_id


def arrival_of(event: QueryEvent | ResponseEvent) -> Arrival:
    """The half that a chatbot's event brings."""
    half = _query(event) if isinstance(event, QueryEvent) else _response(event)
    return Arrival(event.request_id, half)


def _query(event: QueryEvent) -> Query:
    metadata = event.metadata or QueryMetadata()
    text = _clean(event.query, cut=bool(event.truncated))
    enrichment = enrich(text)
    return Query(
        at=event.timestamp,
        text=text,
        digest=content_hash(event),
        session_id=_named(event.session_id),
        client=_client(metadata.user_agent),
        referer=_host(metadata.referer),
        synthetic=metadata.synthetic,
        truncated=bool(event.truncated),
        skills=enrichment.skills,
        aliases=enrichment.aliases_used,
        intents=enrichment.intents,
    )


def _response(event: ResponseEvent) -> Response:
    metadata = event.metadata or ResponseMetadata()
    return Response(
        at=event.timestamp,
        match=MatchType(event.match_type),
        score=event.match_score,
        digest=content_hash(event),
        session_id=_named(event.session_id),
        reasoning=_clean(event.reasoning) if event.reasoning else None,
        sources=tuple(_source(source) for source in metadata.sources_used),
        vectors=event.vector_matches,
        times=_times(event),
    )


def _times(event: ResponseEvent) -> ResponseTimes | None:
    taken = event.performance
    if taken is None:
        return None
    return ResponseTimes(
        total_ms=taken.total_time,
        retrieval_ms=taken.retrieval_time,
        llm_ms=taken.llm_time,
        cache_hit=taken.cache_hit,
    )


def _clean(text: str, *, cut: bool = False) -> str:
    """Redacted; never empty or longer than a contract allows, whatever redaction made of it."""
    return redact(text, cut=cut).strip()[:MAX_TEXT] or BLANK


_client = lru_cache(maxsize=1_024)(user_agent_class)
_host = lru_cache(maxsize=1_024)(referer_host)


@lru_cache(maxsize=1_024)
def _source(name: str) -> str:
    """A CV has few entries, and they are named again and again."""
    return redact(name)[:200]


def _named(session_id: str | None) -> str | None:
    return None if session_id == ANONYMOUS_SESSION else session_id
