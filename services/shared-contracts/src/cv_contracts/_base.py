"""The one base of every model: camelCase on the wire, snake_case in Python, frozen, closed.

A *writer* constructs a model: fields that are not declared are refused. A *reader* parses with
`read` or `read_json`: fields that it does not know are ignored, enum members that it does not know
become `unknown`, so that a newer writer never breaks it.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

READER_CONTEXT = {"reader": True}


class ContractModel(BaseModel):
    """A value that crosses a service's boundary. Equality is by value; instances are immutable."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        # A model is built when it is first used: a Lambda's cold start waits for its own alone.
        defer_build=True,
    )

    @classmethod
    def read(cls, document: Any) -> Self:
        """Parse a document (JSON types) as a tolerant reader. Raises `pydantic.ValidationError`."""
        return cls.model_validate(
            document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
        )

    @classmethod
    def read_json(cls, document: str | bytes) -> Self:
        """Parse JSON text as a tolerant reader. Raises `pydantic.ValidationError`."""
        return cls.model_validate_json(
            document, extra="ignore", context=READER_CONTEXT, by_alias=True, by_name=False
        )

    def to_json(self) -> str:
        """The canonical JSON text: declared order, absent optionals left out, no white space."""
        return self.model_dump_json(exclude_none=True)
