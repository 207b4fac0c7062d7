"""Named field types: bounds and formats that several contracts share, each defined once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import core_schema

from cv_contracts._keywords import READER_KEYWORD
from cv_contracts.tracing import is_trace_context

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue

ANONYMOUS_SESSION = "anonymous"

MAX_QUESTION = 4_000
MAX_ID = 256
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}$"
_PUBLISHED_ID = re.compile(_ID.removesuffix("$") + r"\Z")


def canonical_id(raw: str) -> str:
    """The id under which a chatbot's id is stored and published.

    Most ids stay as they are. One with other characters (`/`, `|`, a space), a `-` or `_` in front,
    or more than 128 characters becomes `id.` and 32 hexadecimal digits of its SHA-256, because
    consumers of every released version read the stored form. The same id gives the same result, so
    that both halves of a question meet, and a canonical id stays as it is.

    >>> canonical_id("q-1"), canonical_id("-MxYzAbCdEf")
    ('q-1', 'id.85db62da4ce5b3c0901b92b95a2180e3')
    """
    if _PUBLISHED_ID.match(raw):
        return raw
    return "id." + sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def whole(value: Any) -> Any:
    """An integer that was written as `1.0`, which JSON Schema calls an integer too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rounded_down(value: Any) -> Any:
    """A time or duration in milliseconds, without its fraction."""
    return math.floor(value) if isinstance(value, float) and math.isfinite(value) else value


def id_of(value: Any) -> Any:
    """A chatbot's id in its canonical form; what can't be an id stays, to be refused."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        value = str(value)
    usable = isinstance(value, str) and 0 < len(value) <= MAX_ID and not _CONTROL.search(value)
    return canonical_id(value) if usable else value


_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, eq=False, slots=True)
class Reads:
    """Annotates a field of which readers take more than the schema lets writers write.

    `reduce` makes the value fit; `also` are the schemas of what else is read (`x-reader`).
    """

    also: tuple[dict[str, Any], ...]
    reduce: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        inner = handler(source)
        if self.reduce is None:
            return inner
        return core_schema.no_info_before_validator_function(self.reduce, inner)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        own = handler(schema)
        plain = {key: value for key, value in own.items() if key != "description"}
        return {**own, READER_KEYWORD: {"anyOf": [plain, *self.also]}}


def cut(longest: int) -> Reads:
    """A text of which only the first `longest` characters count; longer ones are read and cut."""
    return Reads(({"type": "string"},), lambda value: first(value, longest))


def first(value: Any, longest: int) -> Any:
    """The first characters, or items."""
    return value[:longest] if isinstance(value, str | list | tuple) else value


def known_trace(value: Any) -> Any:
    """A caller's trace context; one of a form or version that is not ours to read is none."""
    return None if isinstance(value, str) and not is_trace_context(value) else value


Whole = BeforeValidator(whole)

RequestId = Annotated[str, Field(pattern=_ID, description="Id of one question")]
SessionId = Annotated[
    str,
    Field(
        pattern=_ID,
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
    Whole,
]
Score = Annotated[int, Field(ge=0, le=100, description="Match score, percent"), Whole]
DurationMs = Annotated[int, Field(ge=0, le=86_400_000, description="Milliseconds"), Whole]
Day = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="ISO date, YYYY-MM-DD")
]
IsoWeek = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$", description="ISO week, YYYY-Www"),
]
QuestionText = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
TraceParent = Annotated[
    str, Field(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", description="W3C trace context")
]


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
