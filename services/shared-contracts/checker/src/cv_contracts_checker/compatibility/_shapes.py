"""Schemas as unions of simple shapes: one JSON type, or one value, each with its limits.

References are followed, `allOf` is intersected, `anyOf`, `oneOf`, type lists and enums become
alternatives. What is not understood raises `SchemaError`: a checker must not guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from cv_contracts_checker.compatibility._positions import Schema
from cv_contracts_checker.compatibility._references import target
from cv_contracts_checker.errors import SchemaError

_OF_TYPE: dict[str, frozenset[str]] = {
    "null": frozenset(),
    "boolean": frozenset(),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset(
        {
            "properties",
            "required",
            "additionalProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
        }
    ),
}
_OF_TYPE["integer"] = _OF_TYPE["number"]
_ANY = ("null", "boolean", "number", "string", "array", "object")
_APPLICATORS = frozenset({"$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"})
_ANNOTATIONS = frozenset(
    {
        "title",
        "description",
        "default",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "externalDocs",
        "contentMediaType",
        "contentEncoding",
        "$defs",
        "definitions",
        "$schema",
        "$id",
        "$comment",
    }
)
ASSERTIONS = frozenset().union(*_OF_TYPE.values()) | _APPLICATORS


class AmbiguousError(SchemaError):
    """A reader's `oneOf` whose alternatives may hold at once, so that it may refuse a document."""


@dataclass(frozen=True)
class Shape:
    """One alternative. `kind` is a JSON type, or `value` for a single constant."""

    kind: str
    value: Any = None


@dataclass(frozen=True)
class Number(Shape):
    """Bounds as (limit, excluded); None is unbounded. An integer's bounds are never excluded."""

    low: tuple[Fraction, bool] | None = None
    high: tuple[Fraction, bool] | None = None
    multiples: frozenset[Fraction] = frozenset()


@dataclass(frozen=True)
class Text(Shape):
    """Lengths count code points; every pattern and format must hold."""

    shortest: int = 0
    longest: int | None = None
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Array(Shape):
    """`prefix` are the schemas of the first items, `items` that of the others."""

    prefix: tuple[Schema, ...] = ()
    items: Schema = True
    fewest: int = 0
    most: int | None = None
    unique: bool = False

    def item(self, place: int) -> Schema:
        """The schema of the item at a place."""
        return self.prefix[place] if place < len(self.prefix) else self.items


@dataclass(frozen=True)
class Object(Shape):
    """`additional` is the schema of the fields that are not declared."""

    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    additional: Schema = True
    names: Schema = True
    fewest: int = 0
    most: int | None = None

    def property(self, name: str) -> Schema:
        """The schema of a field, declared or not."""
        return self.properties.get(name, self.additional)


class Document:
    """A schema with the root that its references point into."""

    def __init__(
        self, root: Mapping[str, Any], schema: Schema | None = None, *, reads: bool
    ) -> None:
        self.root = root
        self.schema: Schema = dict(root) if schema is None else schema
        self._reads = reads

    def shapes(self, schema: Schema) -> list[Shape]:
        """The alternatives that a schema allows, together exactly its documents.

        For a writer, `oneOf` counts as `anyOf`, which is a superset; for a reader its alternatives
        must exclude each other, or `AmbiguousError` is raised.
        """
        if isinstance(schema, bool):
            return self._typed({}) if schema else []
        _understood(schema)
        parts = [self.shapes(part) for part in self._parts(schema)]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                branches = [self.shapes(branch) for branch in schema[key]]
                if key == "oneOf" and self._reads:
                    self._exclusive(branches)
                parts.append([shape for branch in branches for shape in branch])
        shapes = self._own(schema)
        for part in parts:
            shapes = [both for pair in product(shapes, part) for both in self._both(*pair)]
        return shapes

    def accepts(self, schema: Schema, value: Any) -> bool:
        """Whether a document is valid. A writer's formats are taken to hold; a reader's may not,
        and if they matter, `SchemaError` is raised."""
        return any(self.admits(shape, value) for shape in self.shapes(schema))

    def admits(self, shape: Shape, value: Any) -> bool:
        """Whether one alternative allows a document; see `accepts`."""
        if shape.kind == "value":
            return same(shape.value, value)
        if isinstance(shape, Number):
            return is_number(value) and _number_admits(shape, value)
        if isinstance(shape, Text):
            return isinstance(value, str) and self._text_admits(shape, value)
        if isinstance(shape, Array):
            return isinstance(value, list) and self._array_admits(shape, value)
        if isinstance(shape, Object):
            return isinstance(value, dict) and self._object_admits(shape, value)
        return shape.kind == "null" and value is None

    def disjoint(self, one: Shape, other: Shape) -> bool:
        """Whether it is certain that no document fits both."""
        if one.kind == "value":
            return not self.admits(other, one.value)
        if other.kind == "value":
            return self.disjoint(other, one)
        if isinstance(one, Object) and isinstance(other, Object):
            return any(
                self._apart(one.property(name), other.property(name))
                for name in one.required & other.required
            )
        numbers = {"integer", "number"}
        return one.kind != other.kind and {one.kind, other.kind} != numbers

    def _apart(self, one: Schema, other: Schema) -> bool:
        pairs = product(self.shapes(one), self.shapes(other))
        return all(self.disjoint(*pair) for pair in pairs)

    def _exclusive(self, branches: list[list[Shape]]) -> None:
        for one, other in combinations(branches, 2):
            if not all(self.disjoint(*pair) for pair in product(one, other)):
                raise AmbiguousError("alternatives of `oneOf` that may hold at once")

    def _parts(self, schema: dict[str, Any]) -> Iterator[Schema]:
        if "$ref" in schema:
            yield self._resolve(schema["$ref"])
        yield from schema.get("allOf", [])

    def _resolve(self, reference: str) -> Schema:
        found: Schema = target(self.root, reference)
        return found

    def _own(self, schema: dict[str, Any]) -> list[Shape]:
        """The shapes of the schema's own assertions, its applicators left aside."""
        shapes = self._typed(schema)
        for constants in _constants(schema):
            values = [Shape("value", one) for one in constants]
            shapes = [both for pair in product(shapes, values) for both in self._both(*pair)]
        return shapes

    def _typed(self, schema: dict[str, Any]) -> list[Shape]:
        types = schema.get("type", _ANY)
        names = (types,) if isinstance(types, str) else tuple(types)
        return [shape for name in names for shape in _shapes_of_type(name, schema)]

    def _text_admits(self, shape: Text, value: str) -> bool:
        long_enough = shape.shortest <= len(value)
        short_enough = shape.longest is None or len(value) <= shape.longest
        if not (
            long_enough and short_enough and all(found(each, value) for each in shape.patterns)
        ):
            return False
        if self._reads and shape.formats:
            raise SchemaError("a constant meets a format")
        return True

    def _array_admits(self, shape: Array, value: list[Any]) -> bool:
        fits = shape.fewest <= len(value) and (shape.most is None or len(value) <= shape.most)
        different = not shape.unique or not any(same(*pair) for pair in combinations(value, 2))
        items = all(self.accepts(shape.item(place), item) for place, item in enumerate(value))
        return fits and different and items

    def _object_admits(self, shape: Object, value: dict[str, Any]) -> bool:
        fits = shape.fewest <= len(value) and (shape.most is None or len(value) <= shape.most)
        complete = shape.required <= value.keys()
        names = all(self.accepts(shape.names, name) for name in value)
        fields = all(self.accepts(shape.property(name), item) for name, item in value.items())
        return fits and complete and names and fields

    def _both(self, one: Shape, other: Shape) -> Iterator[Shape]:
        """The intersection of two alternatives: one alternative, or none."""
        if other.kind == "value":
            one, other = other, one
        if one.kind == "value":
            if self.admits(other, one.value):
                yield one
        elif isinstance(one, Number) and isinstance(other, Number):
            yield _both_numbers(one, other)
        elif isinstance(one, Text) and isinstance(other, Text):
            yield _both_texts(one, other)
        elif isinstance(one, Array) and isinstance(other, Array):
            yield _both_arrays(one, other)
        elif isinstance(one, Object) and isinstance(other, Object):
            yield _both_objects(one, other)
        elif one.kind == other.kind:
            yield one


def same(one: Any, other: Any) -> bool:
    """JSON equality: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; Python's booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def merged(one: Schema, other: Schema) -> Schema:
    """The schema of what satisfies both."""
    if one is True or one == other:
        return other
    if other is True:
        return one
    if one is False or other is False:
        return False
    return {"allOf": [one, other]}


def _understood(schema: dict[str, Any]) -> None:
    for keyword in schema:
        if keyword not in ASSERTIONS | _ANNOTATIONS and not keyword.startswith("x-"):
            raise SchemaError(f"the keyword {keyword!r} is not supported")


def _constants(schema: dict[str, Any]) -> Iterator[list[Any]]:
    if "enum" in schema:
        yield schema["enum"]
    if "const" in schema:
        yield [schema["const"]]


def _shapes_of_type(name: str, schema: dict[str, Any]) -> list[Shape]:
    if name == "boolean":
        return [Shape("value", value) for value in (True, False)]
    if name in {"integer", "number"}:
        return [_number(name, schema)]
    if name == "string":
        return [_text(schema)]
    if name == "array":
        return [_array(schema)]
    if name == "object":
        return [_object(schema)]
    if name == "null":
        return [Shape("null")]
    raise SchemaError(f"the type {name!r} is not supported")


def _number(kind: str, schema: dict[str, Any]) -> Number:
    lows = _bounds(schema, "minimum", "exclusiveMinimum")
    highs = _bounds(schema, "maximum", "exclusiveMaximum")
    multiples = frozenset({Fraction(str(schema["multipleOf"]))} if "multipleOf" in schema else ())
    low = max(lows, default=None)
    high = min(highs, key=lambda bound: (bound[0], not bound[1]), default=None)
    return _whole(Number(kind, None, low, high, multiples))


def _bounds(schema: dict[str, Any], included: str, excluded: str) -> list[tuple[Fraction, bool]]:
    given = [(key, schema[key]) for key in (included, excluded) if key in schema]
    return [(Fraction(str(limit)), key == excluded) for key, limit in given]


def _whole(number: Number) -> Number:
    """An integer's bounds, moved to the next integer that is allowed."""
    if number.kind != "integer":
        return number
    low, high = number.low, number.high
    if low is not None:
        low = (Fraction(low[0] // 1 + (1 if low[1] or low[0] % 1 else 0)), False)
    if high is not None:
        high = (Fraction(-(-high[0] // 1) - (1 if high[1] or high[0] % 1 else 0)), False)
    return Number("integer", None, low, high, number.multiples)


def _text(schema: dict[str, Any]) -> Text:
    return Text(
        "string",
        shortest=schema.get("minLength", 0),
        longest=schema.get("maxLength"),
        patterns=frozenset({schema["pattern"]} if "pattern" in schema else ()),
        formats=frozenset({schema["format"]} if "format" in schema else ()),
    )


def _array(schema: dict[str, Any]) -> Array:
    return Array(
        "array",
        prefix=tuple(schema.get("prefixItems", ())),
        items=schema.get("items", True),
        fewest=schema.get("minItems", 0),
        most=schema.get("maxItems"),
        unique=schema.get("uniqueItems", False),
    )


def _object(schema: dict[str, Any]) -> Object:
    return Object(
        "object",
        properties=schema.get("properties", {}),
        required=frozenset(schema.get("required", ())),
        additional=schema.get("additionalProperties", True),
        names=schema.get("propertyNames", True),
        fewest=schema.get("minProperties", 0),
        most=schema.get("maxProperties"),
    )


def _number_admits(shape: Number, value: float) -> bool:
    exact = Fraction(str(value))
    if shape.kind == "integer" and exact % 1:
        return False
    low, high = shape.low, shape.high
    above = low is None or exact > low[0] or (exact == low[0] and not low[1])
    below = high is None or exact < high[0] or (exact == high[0] and not high[1])
    return above and below and not any(exact % multiple for multiple in shape.multiples)


def found(pattern: str, value: str) -> bool:
    """Whether a pattern occurs in a text, where `$` is the text's very end as in ECMA-262."""
    ends = pattern.endswith("$") and not pattern.endswith(r"\$")
    return re.search(pattern[:-1] + r"\Z" if ends else pattern, value) is not None


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _both_numbers(one: Number, other: Number) -> Number:
    kind = "integer" if "integer" in {one.kind, other.kind} else "number"
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    low = max(lows, default=None)
    high = min(highs, key=lambda bound: (bound[0], not bound[1]), default=None)
    return _whole(Number(kind, None, low, high, one.multiples | other.multiples))


def _both_texts(one: Text, other: Text) -> Text:
    return Text(
        "string",
        shortest=max(one.shortest, other.shortest),
        longest=_least(one.longest, other.longest),
        patterns=one.patterns | other.patterns,
        formats=one.formats | other.formats,
    )


def _both_arrays(one: Array, other: Array) -> Array:
    length = max(len(one.prefix), len(other.prefix))
    return Array(
        "array",
        prefix=tuple(merged(one.item(place), other.item(place)) for place in range(length)),
        items=merged(one.items, other.items),
        fewest=max(one.fewest, other.fewest),
        most=_least(one.most, other.most),
        unique=one.unique or other.unique,
    )


def _both_objects(one: Object, other: Object) -> Object:
    names = {**one.properties, **other.properties}
    return Object(
        "object",
        properties={name: merged(one.property(name), other.property(name)) for name in names},
        required=one.required | other.required,
        additional=merged(one.additional, other.additional),
        names=merged(one.names, other.names),
        fewest=max(one.fewest, other.fewest),
        most=_least(one.most, other.most),
    )
