"""What a chatbot emits: a query event per question and, after it answered, a response event.

The field names are those that the original chatbot sends; `ChatbotEvent` tells the two apart by
`eventType`. The Processor reads them with `read_chatbot_event`, which takes whatever it can use:
a longer question is cut and flagged, ids of other forms become canonical, a duration loses its
fraction. The schemas publish all that as `x-reader`.

>>> event = read_chatbot_event(
...     {"requestId": "19:meeting/1", "timestamp": 1762161120037.0, "query": "Go?", "sessionId": ""}
... )
>>> event.event_type, event.request_id, event.session_id
('query', 'id.a785b6686734d418497e554fa1c52986', None)
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from cv_contracts._base import READER_CONTEXT, ContractModel
from cv_contracts._bus import CHATBOT_SOURCE, BusEvent
from cv_contracts._tolerance import completed, parse_json
from cv_contracts._types import (
    ANONYMOUS_SESSION,
    MAX_ID,
    DurationMs,
    EpochMillis,
    MatchType,
    QuestionText,
    Reads,
    RequestId,
    Score,
    SessionId,
    TraceParent,
    Whole,
    canonical_id,
    cut,
    first,
    id_of,
    known_trace,
    rounded_down,
)
from cv_contracts.errors import NotJsonError

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
    "canonical_id",
    "parse_json",
    "read_chatbot_event",
    "read_chatbot_event_json",
]

_PRINTABLE: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID,
    "pattern": r"^[^\u0000-\u001f\u007f]+$",
}
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": -(1 << 53), "maximum": 1 << 53}
_NO_FIELDS = Reads(({"type": "array", "maxItems": 0},))  # what PHP makes of an empty object

AnyRequestId = Annotated[RequestId, Reads((_PRINTABLE, _NUMBER), id_of)]
AnySessionId = Annotated[
    SessionId | None,
    Reads(
        (_PRINTABLE, _NUMBER, {"const": ""}),
        lambda value: None if value == "" else id_of(value),
    ),
]
AnyMillis = Annotated[
    EpochMillis,
    Reads(
        ({"type": "number", "minimum": 1_000_000_000_000, "maximum": 4_102_444_800_000},),
        rounded_down,
    ),
]
AnyDuration = Annotated[
    DurationMs, Reads(({"type": "number", "minimum": 0, "maximum": 86_400_000},), rounded_down)
]
CallersTrace = Annotated[TraceParent | None, Reads(({"type": "string"},), known_trace)]
"""The caller's W3C trace context, to link to; one of another form is left out."""


class QueryMetadata(ContractModel):
    """Where the question came from. Reduced to a class and a host before it is stored."""

    user_agent: Annotated[str, Field(max_length=1_024), cut(1_024)] | None = None
    referer: Annotated[str, Field(max_length=2_048), cut(2_048)] | None = None
    synthetic: bool = False


class _Half(ContractModel):
    """What both halves of a question have. Reading one tries again after what can be put right."""

    @classmethod
    def read(cls, document: Any) -> Self:
        """Parse a document (JSON types) as a tolerant reader. Raises `pydantic.ValidationError`."""
        try:
            return super().read(document)
        except ValidationError:
            return super().read(completed(document))

    @classmethod
    def read_json(cls, document: str | bytes) -> Self:
        """Parse JSON text as a tolerant reader. Raises `pydantic.ValidationError`."""
        try:
            return super().read_json(document)
        except ValidationError as error:
            return cls.read(_parsed(document, error))


class QueryEvent(_Half):
    """A visitor asked a question. `truncated`: only the first 4,000 characters are here."""

    event_type: Literal["query"] = "query"
    request_id: AnyRequestId
    timestamp: AnyMillis
    session_id: AnySessionId = None
    query: Annotated[QuestionText, Reads(({"type": "string", "minLength": 1},))]
    truncated: bool | None = None
    metadata: Annotated[QueryMetadata | None, _NO_FIELDS] = None
    traceparent: CallersTrace = None


class Performance(ContractModel):
    """How long the chatbot took, in milliseconds."""

    total_time: AnyDuration | None = None
    retrieval_time: AnyDuration | None = None
    llm_time: AnyDuration | None = None
    cache_hit: bool = False


class ResponseMetadata(ContractModel):
    """What the chatbot answered from; the first 50 sources count."""

    match_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    sources_used: Annotated[
        tuple[Annotated[str, Field(max_length=200), cut(200)], ...],
        Field(max_length=50, strict=False),
        Reads(({"type": "array", "items": {"type": "string"}},), lambda value: first(value, 50)),
    ] = ()


class ResponseEvent(_Half):
    """The chatbot answered; `matchType` is accepted as sent, never derived from `matchScore`."""

    event_type: Literal["response"] = "response"
    request_id: AnyRequestId
    timestamp: AnyMillis
    session_id: AnySessionId = None
    match_type: MatchType
    match_score: Score
    reasoning: Annotated[str, Field(max_length=4_000), cut(4_000)] | None = None
    vector_matches: Annotated[int, Field(ge=0, le=10_000), Whole] | None = None
    performance: Annotated[Performance | None, _NO_FIELDS] = None
    metadata: Annotated[ResponseMetadata | None, _NO_FIELDS] = None
    traceparent: CallersTrace = None


class QuestionAsked(BusEvent, QueryEvent):
    """The query event as a chatbot with a bus of its own puts it on the Processor's bus."""

    SOURCE: ClassVar[str] = CHATBOT_SOURCE
    DETAIL_TYPE: ClassVar[str] = "QuestionAsked"
    VERSION: ClassVar[str] = "1.1"


class QuestionAnswered(BusEvent, ResponseEvent):
    """The response event as a chatbot with a bus of its own puts it on the Processor's bus."""

    SOURCE: ClassVar[str] = CHATBOT_SOURCE
    DETAIL_TYPE: ClassVar[str] = "QuestionAnswered"
    VERSION: ClassVar[str] = "1.1"


ChatbotEvent = Annotated[QueryEvent | ResponseEvent, Field(discriminator="event_type")]

_adapter: TypeAdapter[QueryEvent | ResponseEvent] = TypeAdapter(
    ChatbotEvent, config=ConfigDict(defer_build=True, hide_input_in_errors=True)
)


def read_chatbot_event(document: Any) -> QueryEvent | ResponseEvent:
    """Parse one chatbot event (JSON types) tolerantly. Raises `pydantic.ValidationError`."""
    try:
        return _validated(document)
    except ValidationError:
        return _validated(completed(document))


def read_chatbot_event_json(document: str | bytes) -> QueryEvent | ResponseEvent:
    """Parse one chatbot event's JSON text tolerantly. Raises `pydantic.ValidationError`."""
    try:
        return _adapter.validate_json(
            document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
        )
    except ValidationError as error:
        return read_chatbot_event(_parsed(document, error))


def _validated(document: Any) -> QueryEvent | ResponseEvent:
    return _adapter.validate_python(
        document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
    )


def _parsed(document: str | bytes, error: ValidationError) -> Any:
    """The text's document; what is no JSON at all keeps the first error."""
    try:
        return parse_json(document)
    except NotJsonError:
        raise error from None
