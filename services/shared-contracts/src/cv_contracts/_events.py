"""The classes behind `cv_contracts.events`."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from cv_contracts._base import ContractModel
from cv_contracts._bus import PROCESSOR_SOURCE, REPORTER_SOURCE, BusEvent
from cv_contracts._keywords import READER_KEYWORD
from cv_contracts._types import (
    DurationMs,
    EpochMillis,
    IsoWeek,
    OpenClientClass,
    OpenOutcome,
    Outcome,
    QuestionText,
    RequestId,
    Score,
    SessionId,
    TraceParent,
    Whole,
)

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

Timestamp = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        description="RFC 3339, milliseconds, UTC",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=80)]


def _expect(value: str, holds: bool, wanted: str) -> str:
    if not holds:
        raise ValueError(f"this event has {wanted}")
    return value


class Event(BusEvent):
    """The envelope: CloudEvents 1.0 attribute names inside EventBridge's `detail`.

    Never key or order by EventBridge's own `time`: it has whole seconds; `time` here has
    milliseconds and comes from the state that the event reports, so a republished event is the
    same bytes.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    source: str
    type: str
    subject: Annotated[str, Field(min_length=1, max_length=256)]
    time: Timestamp
    dataschema: str
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: TraceParent | None = None
    data: ContractModel

    @field_validator("source")
    @classmethod
    def _own_source(cls, value: str) -> str:
        return _expect(value, value == cls.SOURCE, cls.SOURCE)

    @field_validator("type")
    @classmethod
    def _own_type(cls, value: str) -> str:
        return _expect(value, value == cls.DETAIL_TYPE, cls.DETAIL_TYPE)

    @field_validator("dataschema")
    @classmethod
    def _own_dataschema(cls, value: str, info: ValidationInfo) -> str:
        if info.context and info.context.get("reader"):
            return _expect(value, bool(cls._readable().fullmatch(value)), cls._readable().pattern)
        return _expect(value, value == cls.schema_name(), cls.schema_name())

    @classmethod
    @cache
    def _readable(cls) -> re.Pattern[str]:
        """Which `dataschema` a reader accepts: any minor version of its own major version."""
        major = cls.VERSION.partition(".")[0]
        return re.compile(rf"urn:cv-analytics:{cls.DETAIL_TYPE}:{major}\.(0|[1-9][0-9]*)")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        document = handler(schema)
        if hasattr(cls, "DETAIL_TYPE"):
            fields = handler.resolve_ref_schema(document)["properties"]
            fields["source"]["const"] = cls.SOURCE
            fields["type"]["const"] = cls.DETAIL_TYPE
            fields["dataschema"]["const"] = cls.schema_name()
            fields["dataschema"][READER_KEYWORD] = {
                "type": "string",
                "pattern": f"^{cls._readable().pattern}$",
            }
        return document

    @classmethod
    def of(
        cls,
        data: ContractModel,
        *,
        id: str,
        subject: str,
        time: str,
        traceparent: str | None = None,
    ) -> Self:
        """The event about `data`; source, type and schema are the class's own."""
        return cls(
            id=id,
            source=cls.SOURCE,
            type=cls.DETAIL_TYPE,
            subject=subject,
            time=time,
            dataschema=cls.schema_name(),
            traceparent=traceparent,
            data=data,
        )


class Skill(ContractModel):
    """A skill that a question names, after rolling up (Helm → Kubernetes)."""

    name: Name
    category: Name
    umbrella: bool = False


class AliasUse(ContractModel):
    """The word that the visitor used for a skill."""

    skill: Name
    alias: Name


class ResponseTimes(ContractModel):
    """The chatbot's own timing of one answer, in milliseconds."""

    total_ms: DurationMs | None = None
    retrieval_ms: DurationMs | None = None
    llm_ms: DurationMs | None = None
    cache_hit: bool = False


class Correlation(ContractModel):
    """One question and how it ended: the data of `CorrelationCompleted` and of the REST API.

    `revision` counts the changes since the correlation closed (1 = as first closed). Text is
    redacted; of a longer question (`questionTruncated`) only the first 4,000 characters are kept. A
    `clockSkewed` correlation has a response dated before its query; it has no latency.
    """

    request_id: RequestId
    revision: Annotated[int, Field(ge=1), Whole]
    outcome: OpenOutcome
    asked_at: EpochMillis
    answered_at: EpochMillis | None = None
    session_id: SessionId
    question: QuestionText
    question_truncated: bool | None = None
    match_score: Score | None = None
    reasoning: Annotated[str, Field(max_length=4_000)] | None = None
    sources: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), strict=False)
    vector_matches: Annotated[int, Field(ge=0), Whole] | None = None
    response_times: ResponseTimes | None = None
    skills: tuple[Skill, ...] = Field(default=(), strict=False)
    aliases_used: tuple[AliasUse, ...] = Field(default=(), strict=False)
    intents: tuple[Name, ...] = Field(default=(), strict=False)
    client: OpenClientClass
    referer_host: Annotated[str, Field(max_length=253)] | None = None
    synthetic: bool = False
    clock_skewed: bool = False


class CorrelationCompleted(Event):
    """A question was answered, given up, or its outcome was corrected (a higher `revision`)."""

    SOURCE: ClassVar[str] = PROCESSOR_SOURCE
    DETAIL_TYPE: ClassVar[str] = "CorrelationCompleted"
    VERSION: ClassVar[str] = "1.2"

    data: Correlation

    @field_validator("data")
    @classmethod
    def _known_outcome(cls, data: Correlation, info: ValidationInfo) -> Correlation:
        """Refuse what only a reader's tolerance made: its true outcome would be lost."""
        reader = info.context and info.context.get("reader")
        if data.outcome == Outcome.UNKNOWN and not reader:
            raise ValueError("'unknown' is for readers only")
        return data


class SessionErasure(ContractModel):
    """A session that must be forgotten, everywhere."""

    erasure_id: Annotated[str, Field(min_length=1, max_length=64)]
    session_id: SessionId
    erased_at: EpochMillis
    correlations: Annotated[
        int, Field(ge=0, description="Correlations erased by the Processor"), Whole
    ]


class SessionErased(Event):
    """The Processor erased a session's text and identifiers; others must do likewise."""

    SOURCE: ClassVar[str] = PROCESSOR_SOURCE
    DETAIL_TYPE: ClassVar[str] = "SessionErased"
    VERSION: ClassVar[str] = "1.1"

    data: SessionErasure


class QuestionErasure(ContractModel):
    """A single question that must be forgotten, everywhere, whichever session asked it."""

    erasure_id: Annotated[str, Field(min_length=1, max_length=64)]
    request_id: RequestId
    asked_at: Annotated[
        tuple[EpochMillis, ...],
        Field(
            max_length=4_000,
            strict=False,
            description="Every time at which a revision of the question may have been asked",
        ),
    ]
    erased_at: EpochMillis
    correlations: Annotated[
        int, Field(ge=0, le=1, description="Correlations erased by the Processor"), Whole
    ]


class QuestionErased(Event):
    """The Processor erased a question's text and identifiers; others must do likewise."""

    SOURCE: ClassVar[str] = PROCESSOR_SOURCE
    DETAIL_TYPE: ClassVar[str] = "QuestionErased"
    VERSION: ClassVar[str] = "1.0"

    data: QuestionErasure


class ReportPublication(ContractModel):
    """Which report went out, and to how many."""

    week: IsoWeek
    time_zone: Annotated[str, Field(min_length=1, max_length=64)]
    questions: Annotated[int, Field(ge=0), Whole]
    recipients: Annotated[int, Field(ge=0), Whole]
    digest: Annotated[str, Field(min_length=8, max_length=64, description="Of the report's JSON")]


class ReportPublished(Event):
    """A weekly report was built and handed to its recipients."""

    SOURCE: ClassVar[str] = REPORTER_SOURCE
    DETAIL_TYPE: ClassVar[str] = "ReportPublished"
    VERSION: ClassVar[str] = "1.1"

    data: ReportPublication


class SessionErasureCount(ContractModel):
    """How many facts a consumer removed for an erasure, of a session or of a question."""

    erasure_id: Annotated[str, Field(min_length=1, max_length=64)]
    service: Name
    facts: Annotated[int, Field(ge=0), Whole]


class SessionErasureCompleted(Event):
    """The Reporter removed the facts of an erasure: a session's, or a single question's."""

    SOURCE: ClassVar[str] = REPORTER_SOURCE
    DETAIL_TYPE: ClassVar[str] = "SessionErasureCompleted"
    VERSION: ClassVar[str] = "1.2"

    data: SessionErasureCount
