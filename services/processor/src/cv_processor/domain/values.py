"""The values that a question and its answer are made of.

They have the names of the contract's, which `application.wire` maps them to; so a contract may
change without the rules, and the rules without a contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ANONYMOUS_SESSION: Final = "anonymous"
"""The session of visitors whom the chatbot does not tell apart."""


class MatchType(StrEnum):
    """How well an answer matched, as the chatbot sent it."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Outcome(StrEnum):
    """How a question ended."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    NO_RESPONSE = "no_response"


class ClientClass(StrEnum):
    """What a user agent is reduced to."""

    BROWSER = "browser"
    MOBILE = "mobile"
    BOT = "bot"
    TOOL = "tool"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill that a question names, after rolling up (Helm → Kubernetes)."""

    name: str
    category: str
    umbrella: bool = False


@dataclass(frozen=True, slots=True)
class AliasUse:
    """The word that the visitor used for a skill."""

    skill: str
    alias: str


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """The chatbot's own timing of one answer, in milliseconds."""

    total_ms: int | None = None
    retrieval_ms: int | None = None
    llm_ms: int | None = None
    cache_hit: bool = False
