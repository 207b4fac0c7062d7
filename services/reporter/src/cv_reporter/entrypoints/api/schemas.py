"""JSON Schemas of the Reporter's own data classes, for the OpenAPI document.

Written here and not by pydantic, which would put them among the components: the published document
of API 1.0 has them in place, and is released.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import date
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic.alias_generators import to_camel

Schema = dict[str, Any]

_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
    NoneType: {"type": "null"},
}


def json_answer(kind: Any, description: str, example: Any = None) -> dict[str, Any]:
    """An OpenAPI response whose JSON is a value of that type, as `Document` writes it."""
    content: Schema = {"schema": schema(kind)}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {"application/json": content}}


def schema(kind: Any) -> Schema:
    """The JSON Schema of a type."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) is not None:
        return _generic(get_origin(kind), get_args(kind))
    if issubclass(kind, StrEnum):
        return {"type": "string", "enum": [str(member) for member in kind]}
    assert is_dataclass(kind)  # noqa: S101 (documents have no others)
    return _object(kind)


def _object(kind: Any) -> Schema:
    hints = {
        name: hint
        for name, hint in get_type_hints(kind).items()
        if name in getattr(kind, "__match_args__", ())
    }
    return {
        "type": "object",
        "title": kind.__name__,
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {to_camel(name): schema(hint) for name, hint in hints.items()},
        "required": [to_camel(name) for name in hints],
    }


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Schema:
    if origin in {Union, UnionType}:
        return {"anyOf": [schema(argument) for argument in arguments]}
    if origin is tuple or origin is list:
        return {"type": "array", "items": schema(arguments[0])}
    return {"type": "object", "additionalProperties": schema(arguments[1])}
