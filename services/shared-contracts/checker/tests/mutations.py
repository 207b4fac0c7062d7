"""The table of mutations: what each change of a schema does to each direction of traffic.

`forward`: what new writers write is accepted by old readers. `backward`: what old writers wrote is
accepted by new readers. Writers are closed, readers tolerant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True)
class Mutation:
    """A change of a schema and the right verdict in both directions."""

    name: str
    old: Schema
    new: Schema
    forward: bool
    backward: bool

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def fields(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
LIST: Schema = {"type": "array", "items": TEXT}
OPEN = {"x-reader": TEXT}
OUTCOMES = {"type": "string", "enum": ["full", "none"]}
MORE_OUTCOMES = {"type": "string", "enum": ["full", "none", "partial"]}


def either(*schemas: Any) -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def tagged(**branches: Schema) -> Schema:
    """A union told apart by its `kind`."""
    tagged_branches = [
        {**branch, "properties": {"kind": {"const": tag}, **branch["properties"]}}
        for tag, branch in branches.items()
    ]
    return {"oneOf": tagged_branches, "discriminator": {"propertyName": "kind"}}


def tree(**node: Any) -> Schema:
    """A recursive model: a node with children."""
    children = {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    return {"$ref": "#/$defs/Node", "$defs": {"Node": fields((), children=children, **node)}}


def both_ways(name: str, narrow: Schema, wide: Schema) -> list[Mutation]:
    """Widening breaks old readers; narrowing breaks what was written."""
    return [
        Mutation(f"{name} widened", narrow, wide, forward=False, backward=True),
        Mutation(f"{name} narrowed", wide, narrow, forward=True, backward=False),
    ]


def same_both_ways(name: str, one: Schema, other: Schema, *, holds: bool) -> list[Mutation]:
    """A change whose two directions fare alike, done and undone."""
    return [
        Mutation(f"{name} done", one, other, forward=holds, backward=holds),
        Mutation(f"{name} undone", other, one, forward=holds, backward=holds),
    ]


NESTED = fields(("inner",), inner=fields(("score",), score={**WHOLE, "maximum": 100}))
NESTED_WIDER = fields(("inner",), inner=fields(("score",), score={**WHOLE, "maximum": 150}))
NESTED_OPTIONAL = fields(("inner",), inner=fields((), score={**WHOLE, "maximum": 100}))

MUTATIONS: list[Mutation] = [
    # fields
    *same_both_ways("an optional field added", fields(a=TEXT), fields(a=TEXT, b=TEXT), holds=True),
    *both_ways("a field's presence", fields(("a",), a=TEXT), fields(a=TEXT)),
    *both_ways(
        "the set of required fields",
        fields(("a", "b"), a=TEXT, b=TEXT),
        fields(("a",), a=TEXT),
    ),
    *same_both_ways(
        "a required field renamed", fields(("a",), a=TEXT), fields(("b",), b=TEXT), holds=False
    ),
    *same_both_ways("an optional field renamed", fields(a=TEXT), fields(b=TEXT), holds=True),
    *same_both_ways("a field's type", fields(a=TEXT), fields(a=WHOLE), holds=False),
    *same_both_ways(
        "additionalProperties spelt out",
        fields(a=TEXT),
        {**fields(a=TEXT), "additionalProperties": False},
        holds=True,
    ),
    *both_ways(
        "undeclared fields of a map",
        {"type": "object", "additionalProperties": WHOLE},
        {"type": "object", "additionalProperties": NUMBER},
    ),
    Mutation(
        "a map became a record",
        {"type": "object", "additionalProperties": WHOLE},
        fields(a=TEXT),
        forward=False,
        backward=False,
    ),
    *both_ways(
        "names of a map",
        {"type": "object", "additionalProperties": WHOLE, "propertyNames": {"pattern": "^[a-z]+$"}},
        {
            "type": "object",
            "additionalProperties": WHOLE,
            "propertyNames": {"pattern": "^[a-z0-9]+$"},
        },
    ),
    *both_ways(
        "the number of fields",
        {"type": "object", "additionalProperties": WHOLE, "maxProperties": 3},
        {"type": "object", "additionalProperties": WHOLE, "maxProperties": 5},
    ),
    *both_ways(
        "the least number of fields",
        {"type": "object", "additionalProperties": WHOLE, "minProperties": 2},
        {"type": "object", "additionalProperties": WHOLE, "minProperties": 1},
    ),
    # numbers
    *both_ways("a maximum", {**WHOLE, "maximum": 100}, {**WHOLE, "maximum": 150}),
    *both_ways("a minimum", {**WHOLE, "minimum": 1}, {**WHOLE, "minimum": 0}),
    *both_ways("an absent maximum", {**WHOLE, "maximum": 100}, WHOLE),
    *both_ways("an absent minimum", {**NUMBER, "minimum": 0}, NUMBER),
    *both_ways("an excluded maximum", {**NUMBER, "exclusiveMaximum": 1}, {**NUMBER, "maximum": 1}),
    *both_ways("an excluded minimum", {**NUMBER, "exclusiveMinimum": 0}, {**NUMBER, "minimum": 0}),
    *same_both_ways(
        "an integer's bound spelt otherwise",
        {**WHOLE, "exclusiveMinimum": 0},
        {**WHOLE, "minimum": 1},
        holds=True,
    ),
    *both_ways("whole numbers to fractions", WHOLE, NUMBER),
    *both_ways("a step", {**WHOLE, "multipleOf": 10}, {**WHOLE, "multipleOf": 5}),
    *same_both_ways(
        "steps that do not divide",
        {**WHOLE, "multipleOf": 2},
        {**WHOLE, "multipleOf": 3},
        holds=False,
    ),
    # texts
    *both_ways("the greatest length", {**TEXT, "maxLength": 80}, {**TEXT, "maxLength": 200}),
    *both_ways("the least length", {**TEXT, "minLength": 2}, {**TEXT, "minLength": 1}),
    *both_ways("an absent length", {**TEXT, "maxLength": 80}, TEXT),
    *both_ways(
        "a pattern's length",
        {**TEXT, "pattern": "^[a-z]{1,2}$"},
        {**TEXT, "pattern": "^[a-z]{1,3}$"},
    ),
    *both_ways(
        "a pattern's letters", {**TEXT, "pattern": "^[a-z]+$"}, {**TEXT, "pattern": "^[A-Za-z]+$"}
    ),
    *both_ways("an absent pattern", {**TEXT, "pattern": "^[a-z]+$"}, TEXT),
    *both_ways("an anchor", {**TEXT, "pattern": "^ab$"}, {**TEXT, "pattern": "^ab"}),
    *same_both_ways(
        "another pattern", {**TEXT, "pattern": "^a$"}, {**TEXT, "pattern": "^b$"}, holds=False
    ),
    *both_ways("a format", {**TEXT, "format": "date"}, TEXT),
    *same_both_ways(
        "another format", {**TEXT, "format": "date"}, {**TEXT, "format": "uuid"}, holds=False
    ),
    # constants and enums
    *both_ways("a closed enum", OUTCOMES, MORE_OUTCOMES),
    *same_both_ways("an open enum", {**OUTCOMES, **OPEN}, {**MORE_OUTCOMES, **OPEN}, holds=True),
    Mutation("an enum opened", OUTCOMES, {**MORE_OUTCOMES, **OPEN}, forward=False, backward=True),
    Mutation(
        "an open enum closed", {**MORE_OUTCOMES, **OPEN}, OUTCOMES, forward=True, backward=False
    ),
    *both_ways("an enum and a text", OUTCOMES, TEXT),
    *same_both_ways("a const's value", {"const": "1.0"}, {"const": "2.0"}, holds=False),
    *both_ways("a const and an enum", {"const": "a"}, {"enum": ["a", "b"]}),
    *same_both_ways("a const spelt as an enum", {"const": "a"}, {"enum": ["a"]}, holds=True),
    *same_both_ways("an enum reordered", {"enum": ["a", "b"]}, {"enum": ["b", "a"]}, holds=True),
    *both_ways("a flag that is always true", {"const": True}, FLAG),
    *same_both_ways("one and true", {"const": True}, {"const": 1}, holds=False),
    # null and unions
    *both_ways("null", TEXT, either(TEXT, NULL)),
    *both_ways("null in a type list", TEXT, {"type": ["string", "null"]}),
    *same_both_ways(
        "null spelt otherwise", either(TEXT, NULL), {"type": ["string", "null"]}, holds=True
    ),
    *both_ways("a union", TEXT, either(TEXT, WHOLE)),
    *same_both_ways("a union reordered", either(TEXT, WHOLE), either(WHOLE, TEXT), holds=True),
    *both_ways(
        "a tagged union",
        tagged(query=fields(a=TEXT)),
        tagged(query=fields(a=TEXT), response=fields(b=WHOLE)),
    ),
    *both_ways(
        "a bound in a tagged union",
        tagged(query=fields(a={**TEXT, "maxLength": 8}), response=fields(b=WHOLE)),
        tagged(query=fields(a=TEXT), response=fields(b=WHOLE)),
    ),
    *same_both_ways(
        "a tag renamed", tagged(query=fields(a=TEXT)), tagged(ask=fields(a=TEXT)), holds=False
    ),
    *same_both_ways(
        "anything spelt as an intersection",
        fields(a=TEXT),
        {"allOf": [fields(a=TEXT), True]},
        holds=True,
    ),
    *both_ways(
        "an intersection",
        {"allOf": [{**WHOLE, "minimum": 0}, {"maximum": 10}]},
        {**WHOLE, "minimum": 0, "maximum": 11},
    ),
    # arrays
    *both_ways(
        "an item's type", {"type": "array", "items": WHOLE}, {"type": "array", "items": NUMBER}
    ),
    *both_ways("the most items", {**LIST, "maxItems": 5}, {**LIST, "maxItems": 50}),
    *both_ways("the fewest items", {**LIST, "minItems": 1}, LIST),
    *both_ways("unique items", {**LIST, "uniqueItems": True}, LIST),
    *both_ways(
        "a place in a tuple",
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False, "minItems": 2},
        {"type": "array", "prefixItems": [TEXT, NUMBER], "items": False, "minItems": 2},
    ),
    *both_ways(
        "a tuple's length",
        {"type": "array", "prefixItems": [TEXT], "items": False, "maxItems": 1},
        {"type": "array", "prefixItems": [TEXT, TEXT], "items": False, "maxItems": 2},
    ),
    # nested and recursive
    *both_ways("a nested bound", NESTED, NESTED_WIDER),
    *both_ways("a nested presence", NESTED, NESTED_OPTIONAL),
    *both_ways("a bound in a recursive model", tree(a={**TEXT, "maxLength": 8}), tree(a=TEXT)),
    *same_both_ways(
        "an optional field in a recursive model", tree(a=TEXT), tree(a=TEXT, b=WHOLE), holds=True
    ),
    *same_both_ways(
        "a model inlined",
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "type": "object", "$defs": {"A": TEXT}},
        fields(a=TEXT),
        holds=True,
    ),
    # documentation
    *same_both_ways(
        "a description", {**TEXT, "description": "x"}, {**TEXT, "description": "y"}, holds=True
    ),
    *same_both_ways("a default", {**TEXT, "default": "x"}, TEXT, holds=True),
]
