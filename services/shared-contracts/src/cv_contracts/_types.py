"""Named field types: bounds and formats that several contracts share, each defined once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic_core import core_schema

from cv_contracts._keywords import READER_KEYWORD

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue

ANONYMOUS_SESSION = "anonymous"

RequestId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}$", description="Id of one question")
]
SessionId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}$",
        description="Id of one visitor's conversation; `anonymous` where the chatbot has none",
    ),
]
EpochMillis = Annotated[
    int,
    Field(
        ge=1_000_000_000_000,
        le=4_102_444_800_000,
        description="Milliseconds since 1970-01-01 UTC; the bounds (2001 to 2100) refuse seconds",
    ),
]
Score = Annotated[int, Field(ge=0, le=100, description="Match score, percent")]
DurationMs = Annotated[int, Field(ge=0, le=86_400_000, description="Milliseconds")]
Day = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="ISO date, YYYY-MM-DD")
]
IsoWeek = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$", description="ISO week, YYYY-Www"),
]
QuestionText = Annotated[str, Field(min_length=1, max_length=4_000)]


class Outcome(StrEnum):
    """How a question ended. `unknown` is what a reader makes of a member that it does not know."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    NO_RESPONSE = "no_response"
    UNKNOWN = "unknown"


class ClientClass(StrEnum):
    """What asked, as far as its user agent tells; the user agent itself is never stored."""

    BROWSER = "browser"
    MOBILE = "mobile"
    BOT = "bot"
    TOOL = "tool"
    UNKNOWN = "unknown"


MatchType = Literal["full", "partial", "none"]


@dataclass(frozen=True, slots=True)
class OpenEnum:
    """Annotates an enum field that later minor versions may extend.

    Readers turn a member that they do not know into `unknown`. Writers may use the members of
    `writes` only; the schema lists those and says, by `x-reader`, that readers take any string.
    """

    kind: type[StrEnum]
    writes: tuple[StrEnum, ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_before_validator_function(self._parse, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        members = [member.value for member in self.writes]
        return {"type": "string", "enum": members, READER_KEYWORD: {"type": "string"}}

    def _parse(self, value: Any, info: ValidationInfo) -> Any:
        reader = bool(info.context and info.context.get("reader"))
        if isinstance(value, str) and not isinstance(value, self.kind):
            known = value in self.kind.__members__.values()
            value = self.kind(value) if known else self.kind("unknown") if reader else value
        if not reader and isinstance(value, self.kind) and value not in self.writes:
            raise ValueError(f"{value.value!r} is for readers only")
        return value


OpenOutcome = Annotated[
    Outcome, OpenEnum(Outcome, tuple(member for member in Outcome if member != "unknown"))
]
OpenClientClass = Annotated[ClientClass, OpenEnum(ClientClass, tuple(ClientClass))]
