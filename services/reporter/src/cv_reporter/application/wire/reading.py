"""What the Reporter reads of the Processor's events: its own models, with what it uses and no more.

They are the Reporter's declaration as a consumer: their schemas stand in the contracts' folder
(`consumers/reporter/`), where the gate proves that whatever the Processor may write is read here,
and names the Reporter before a change breaks it. A bound stands here only where the code relies
on it.
"""

from __future__ import annotations

from typing import Annotated

from cv_contracts.chatbot import RequestId, SessionId
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

# What a date can be made of: 1970 to 9999.
Moment = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class Reading(BaseModel):
    """Tolerant: what it does not know it ignores; errors never repeat the input."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        defer_build=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
        validate_by_name=False,
    )


class SkillReading(Reading):
    """A skill that the question names."""

    name: str
    category: str
    umbrella: bool = False


class WordReading(Reading):
    """The visitor's word for a skill."""

    skill: str
    alias: str


class TimesReading(Reading):
    """The chatbot's own timing, in milliseconds."""

    total_ms: int | None = None
    cache_hit: bool = False


class CorrelationReading(Reading):
    """A question and how it ended. Outcome and client are open: later members are read as text."""

    request_id: RequestId
    revision: Annotated[int, Field(ge=1)]
    outcome: str
    asked_at: Moment
    answered_at: Moment | None = None
    session_id: SessionId
    question: str
    match_score: Annotated[int, Field(ge=0, le=100)] | None = None
    reasoning: str | None = None
    sources: Texts = ()
    response_times: TimesReading | None = None
    skills: Annotated[tuple[SkillReading, ...], Field(strict=False)] = ()
    aliases_used: Annotated[tuple[WordReading, ...], Field(strict=False)] = ()
    intents: Texts = ()
    client: str
    referer_host: str | None = None
    synthetic: bool = False
    clock_skewed: bool = False


class ErasureReading(Reading):
    """A session that must be forgotten."""

    erasure_id: str
    session_id: SessionId
    erased_at: Moment


class QuestionErasureReading(Reading):
    """A single question that must be forgotten, and when it may have been asked."""

    erasure_id: str
    request_id: RequestId
    asked_at: Annotated[tuple[Moment, ...], Field(strict=False)]
    erased_at: Moment


class CompletedReading(Reading):
    """The event of a correlation."""

    data: CorrelationReading


class ErasedReading(Reading):
    """The event of a session's erasure."""

    data: ErasureReading


class QuestionErasedReading(Reading):
    """The event of a single question's erasure."""

    data: QuestionErasureReading
