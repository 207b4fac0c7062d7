"""Frozen data classes as camelCase JSON documents and back, by their declared types.

What the Reporter stores and serves of its own is declared once, as data classes; this is their one
way to JSON. (Contract models have pydantic's.) Knows data classes, named tuples, tuples, string
dictionaries, optionals, dates, string enums and the JSON scalars; floats keep their digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def camel(name: str) -> str:
    """`latency_p50_ms` → `latencyP50Ms`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def to_document(value: Any) -> Any:
    """The JSON types of a value, keys in declared order."""
    if is_dataclass(value) or hasattr(value, "_fields"):
        kind: Any = type(value)
        names = _names(kind)
        return {key: to_document(getattr(value, name)) for name, key in names}
    if isinstance(value, dict):
        return {str(key): to_document(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [to_document(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


def to_json(value: Any) -> str:
    """The canonical JSON text of a value: the same value is always the same bytes."""
    return json.dumps(to_document(value), ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """Read what `to_json` wrote; fields that are missing take their defaults."""
    value: T = _read(kind, json.loads(text))
    return value


@lru_cache(maxsize=128)
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    listed: Iterable[str] = (
        (each.name for each in fields(kind)) if is_dataclass(kind) else kind._fields
    )
    return tuple((name, camel(name)) for name in listed)


@lru_cache(maxsize=128)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    """A JSON value as the declared type."""
    if value is None or kind is Any:
        return value
    if get_origin(kind) is not None:
        return _read_generic(get_origin(kind), get_args(kind), value)
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = _hints(kind)
        present = ((name, key) for name, key in _names(kind) if key in value)
        return kind(**{name: _read(hints[name], value[key]) for name, key in present})
    if kind is date:
        return date.fromisoformat(value)
    return kind(value) if issubclass(kind, StrEnum | int) else value


def _read_generic(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if origin in {Union, UnionType}:
        return _read(next(each for each in arguments if each is not type(None)), value)
    if origin is tuple:
        return _read_tuple(arguments, value)
    return {_read(arguments[0], key): _read(arguments[1], each) for key, each in value.items()}


def _read_tuple(arguments: tuple[Any, ...], value: list[Any]) -> tuple[Any, ...]:
    if arguments[-1] is Ellipsis:
        return tuple(_read(arguments[0], each) for each in value)
    return tuple(_read(kind, each) for kind, each in zip(arguments, value, strict=True))
