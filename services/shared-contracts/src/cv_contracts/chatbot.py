"""What a chatbot emits: a query event per question and, after it answered, a response event.

The field names are those that the original chatbot sends; `ChatbotEvent` tells the two apart by
`eventType`. The Processor reads them tolerantly (`read_chatbot_event`), a producer writes them
strictly (by constructing them).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from cv_contracts._base import READER_CONTEXT, ContractModel
from cv_contracts._bus import CHATBOT_SOURCE, BusEvent
from cv_contracts._types import (
    ANONYMOUS_SESSION,
    DurationMs,
    EpochMillis,
    MatchType,
    QuestionText,
    RequestId,
    Score,
    SessionId,
)

__all__ = [
    "ANONYMOUS_SESSION",
    "ChatbotEvent",
    "MatchType",
    "Performance",
    "QueryEvent",
    "QueryMetadata",
    "QuestionAnswered",
    "QuestionAsked",
    "RequestId",
    "ResponseEvent",
    "ResponseMetadata",
    "SessionId",
    "read_chatbot_event",
    "read_chatbot_event_json",
]


class QueryMetadata(ContractModel):
    """Where the question came from. Reduced to a class and a host before it is stored."""

    user_agent: Annotated[str, Field(max_length=1_024)] | None = None
    referer: Annotated[str, Field(max_length=2_048)] | None = None
    synthetic: bool = False


class QueryEvent(ContractModel):
    """A visitor asked a question."""

    event_type: Literal["query"] = "query"
    request_id: RequestId
    timestamp: EpochMillis
    session_id: SessionId | None = None
    query: QuestionText
    metadata: QueryMetadata | None = None


class Performance(ContractModel):
    """How long the chatbot took, in milliseconds."""

    total_time: DurationMs | None = None
    retrieval_time: DurationMs | None = None
    llm_time: DurationMs | None = None
    cache_hit: bool = False


class ResponseMetadata(ContractModel):
    """What the chatbot answered from."""

    match_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    sources_used: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50, strict=False)
    ] = ()


class ResponseEvent(ContractModel):
    """The chatbot answered; `matchType` is accepted as sent, never derived from `matchScore`."""

    event_type: Literal["response"] = "response"
    request_id: RequestId
    timestamp: EpochMillis
    session_id: SessionId | None = None
    match_type: MatchType
    match_score: Score
    reasoning: Annotated[str, Field(max_length=4_000)] | None = None
    vector_matches: Annotated[int, Field(ge=0, le=10_000)] | None = None
    performance: Performance | None = None
    metadata: ResponseMetadata | None = None


class QuestionAsked(BusEvent, QueryEvent):
    """The query event as a chatbot with a bus of its own puts it on the Processor's bus."""

    SOURCE: ClassVar[str] = CHATBOT_SOURCE
    DETAIL_TYPE: ClassVar[str] = "QuestionAsked"
    VERSION: ClassVar[str] = "1.0"


class QuestionAnswered(BusEvent, ResponseEvent):
    """The response event as a chatbot with a bus of its own puts it on the Processor's bus."""

    SOURCE: ClassVar[str] = CHATBOT_SOURCE
    DETAIL_TYPE: ClassVar[str] = "QuestionAnswered"
    VERSION: ClassVar[str] = "1.0"


ChatbotEvent = Annotated[QueryEvent | ResponseEvent, Field(discriminator="event_type")]

_adapter: TypeAdapter[QueryEvent | ResponseEvent] = TypeAdapter(
    ChatbotEvent, config=ConfigDict(hide_input_in_errors=True, defer_build=True)
)


def read_chatbot_event(document: Any) -> QueryEvent | ResponseEvent:
    """Parse one chatbot event (JSON types) tolerantly. Raises `pydantic.ValidationError`."""
    return _adapter.validate_python(
        document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
    )


def read_chatbot_event_json(document: str | bytes) -> QueryEvent | ResponseEvent:
    """Parse one chatbot event's JSON text tolerantly. Raises `pydantic.ValidationError`."""
    return _adapter.validate_json(
        document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
    )
