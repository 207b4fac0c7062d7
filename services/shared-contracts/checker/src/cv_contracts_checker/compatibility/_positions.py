"""Where schemas stand inside a schema: the one place that knows JSON Schema's grammar."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any] | bool

# Our own keyword: what readers accept in this place, where that is more than what writers write.
READER_KEYWORD = "x-reader"

_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties"})
_SINGLES = frozenset({"items", "additionalProperties", "propertyNames", READER_KEYWORD})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})


def differ(one: Any, other: Any) -> bool:
    """Whether two parts differ as JSON text, where, unlike in Python, 1 is not true."""
    if one is other:
        return False
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)


def children(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], Schema]]:
    """The direct subschemas, each with its path from the schema."""
    if isinstance(schema, bool):
        return
    for keyword, value in schema.items():
        if keyword in _MAPS:
            yield from (((keyword, name), child) for name, child in value.items())
        elif keyword in _LISTS:
            yield from (((keyword, place), child) for place, child in enumerate(value))
        elif keyword in _SINGLES:
            yield (keyword,), value


def rebuilt(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy in which every direct subschema went through `change`."""
    if isinstance(schema, bool):
        return schema
    return {keyword: _changed(keyword, value, change) for keyword, value in schema.items()}


def _changed(keyword: str, value: Any, change: Callable[[Schema], Schema]) -> Any:
    if keyword in _MAPS:
        return {name: change(child) for name, child in value.items()}
    if keyword in _LISTS:
        return [change(child) for child in value]
    if keyword in _SINGLES:
        return change(value)
    return value


def walk(
    schema: Schema, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every schema inside a schema, itself included, with its path."""
    if isinstance(schema, dict):
        yield place, schema
    for path, child in children(schema):
        yield from walk(child, place + path)
