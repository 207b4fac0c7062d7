"""Whether everything that a writer may write is accepted by a reader, and if not, why not.

>>> writer = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 150}}}
>>> reader = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 100}}}
>>> for finding in violations(writer, reader, Parties("writers of 1.1", "readers of 1.0")):
...     print(finding.message)
`score` may now be 150; readers of 1.0 accept at most 100

The check is sound: no finding means that every document of the writer is valid for the reader. It
is not complete: where it can't prove that, it reports a finding, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cv_contracts_checker.compatibility._patterns import narrower
from cv_contracts_checker.compatibility._positions import Schema
from cv_contracts_checker.compatibility._shapes import (
    AmbiguousError,
    Array,
    Document,
    Number,
    Object,
    Shape,
    Text,
)
from cv_contracts_checker.errors import SchemaError

_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Parties:
    """The two sides, named for the messages. `newer_writer`: the writer is what changed."""

    writer: str
    reader: str
    newer_writer: bool = True

    @property
    def may(self) -> str:
        """How a message speaks of what the writer can do."""
        return "may now" if self.newer_writer else "may, from " + self.writer + ","


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which the writer can write what the reader does not accept."""

    place: str
    rule: str
    message: str


def violations(
    writer: Mapping[str, Any],
    reader: Mapping[str, Any],
    parties: Parties,
    *,
    writer_schema: Schema | None = None,
    reader_schema: Schema | None = None,
) -> list[Finding]:
    """Why the writer's documents are not all valid for the reader; empty if they are.

    The two mappings are the documents that references point into; the schemas are the documents
    themselves unless given. Raises nothing: what can't be understood is a finding.
    """
    ours = Document(writer, writer_schema, reads=False)
    theirs = Document(reader, reader_schema, reads=True)
    comparison = _Comparison(ours, theirs, parties)
    return list(dict.fromkeys(comparison.schemas(ours.schema, theirs.schema, ())))


class _Comparison:
    """One run. Pairs that are being compared further up are taken to hold (coinduction), which
    is right because documents are finite."""

    def __init__(self, writer: Document, reader: Document, parties: Parties) -> None:
        self._writer = writer
        self._reader = reader
        self._parties = parties
        self._open: set[tuple[str, str]] = set()

    def schemas(self, ours: Schema, theirs: Schema, place: tuple[str, ...]) -> list[Finding]:
        pair = (json.dumps(ours, sort_keys=True), json.dumps(theirs, sort_keys=True))
        if pair in self._open:
            return []
        if len(place) > _DEEPEST:
            return [self._unknown(place, "the schemas nest too deeply")]
        self._open.add(pair)
        try:
            writers, readers = self._writer.shapes(ours), self._reader.shapes(theirs)
            return [found for shape in writers for found in self._one(shape, readers, place)]
        except AmbiguousError as error:
            return [self._found(place, "ambiguous", f"can be refused: the reader has {error}")]
        except SchemaError as error:
            return [self._unknown(place, str(error))]
        finally:
            self._open.discard(pair)

    def _one(self, ours: Shape, readers: list[Shape], place: tuple[str, ...]) -> list[Finding]:
        """One alternative must fit in one of the reader's; else tell of the nearest."""
        if ours.kind == "value":
            return self._value(ours, readers, place)
        candidates = [theirs for theirs in readers if _comparable(ours, theirs)]
        if not candidates:
            return [self._wrong_type(ours, readers, place)]
        attempts = (self._fit(ours, theirs, place) for theirs in candidates)
        nearest: list[Finding] | None = None
        for findings in attempts:
            if not findings:
                return []
            if nearest is None or len(findings) < len(nearest):
                nearest = findings
        return nearest or []

    def _value(self, ours: Shape, readers: list[Shape], place: tuple[str, ...]) -> list[Finding]:
        if any(self._reader.admits(theirs, ours.value) for theirs in readers):
            return []
        accepted = _listed(readers)
        text = f"be {json.dumps(ours.value)}; {self._parties.reader} accept {accepted}"
        return [self._can(place, "value", text)]

    def _fit(self, ours: Shape, theirs: Shape, place: tuple[str, ...]) -> list[Finding]:
        if isinstance(ours, Number) and isinstance(theirs, Number):
            return list(self._numbers(ours, theirs, place))
        if isinstance(ours, Text) and isinstance(theirs, Text):
            return list(self._texts(ours, theirs, place))
        if isinstance(ours, Array) and isinstance(theirs, Array):
            return list(self._arrays(ours, theirs, place))
        if isinstance(ours, Object) and isinstance(theirs, Object):
            return list(self._objects(ours, theirs, place))
        return []

    def _numbers(self, ours: Number, theirs: Number, place: tuple[str, ...]) -> Iterator[Finding]:
        reader = self._parties.reader
        if theirs.kind == "integer" and ours.kind == "number" and not _whole_only(ours):
            yield self._can(place, "type", f"be a fraction; {reader} accept whole numbers")
        if theirs.low is not None and (ours.low is None or ours.low < theirs.low):
            limit = _limit(theirs.low, "at least", "more than")
            yield self._can(
                place, "minimum", f"be {_reach(ours.low, 'low')}; {reader} accept {limit}"
            )
        if theirs.high is not None and (ours.high is None or _beyond(ours.high, theirs.high)):
            limit = _limit(theirs.high, "at most", "less than")
            yield self._can(
                place, "maximum", f"be {_reach(ours.high, 'high')}; {reader} accept {limit}"
            )
        for multiple in theirs.multiples:
            steps = ours.multiples | ({Fraction(1)} if ours.kind == "integer" else set())
            if not any(step % multiple == 0 for step in steps):
                yield self._can(
                    place, "multipleOf", f"be no multiple of {multiple}, which {reader} require"
                )

    def _texts(self, ours: Text, theirs: Text, place: tuple[str, ...]) -> Iterator[Finding]:
        reader = self._parties.reader
        if ours.shortest < theirs.shortest:
            yield self._can(
                place,
                "minLength",
                f"have {ours.shortest} characters; {reader} accept at least {theirs.shortest}",
            )
        if theirs.longest is not None and (ours.longest is None or ours.longest > theirs.longest):
            length = "any number of" if ours.longest is None else ours.longest
            yield self._can(
                place,
                "maxLength",
                f"have {length} characters; {reader} accept at most {theirs.longest}",
            )
        for pattern in sorted(theirs.patterns):
            if not any(narrower(own, pattern) for own in ours.patterns):
                form = " or ".join(sorted(ours.patterns)) or "any form"
                yield self._can(
                    place, "pattern", f"have the form {form}; {reader} accept {pattern}"
                )
        for name in sorted(theirs.formats - ours.formats):
            yield self._can(place, "format", f"not be a {name}, which {reader} require")

    def _arrays(self, ours: Array, theirs: Array, place: tuple[str, ...]) -> Iterator[Finding]:
        reader = self._parties.reader
        if ours.fewest < theirs.fewest:
            yield self._can(
                place,
                "minItems",
                f"have {ours.fewest} items; {reader} accept at least {theirs.fewest}",
            )
        if theirs.most is not None and (ours.most is None or ours.most > theirs.most):
            number = "any number of" if ours.most is None else ours.most
            yield self._can(
                place, "maxItems", f"have {number} items; {reader} accept at most {theirs.most}"
            )
        if theirs.unique and not ours.unique and (ours.most is None or ours.most > 1):
            yield self._can(place, "uniqueItems", f"repeat items; {reader} accept each once")
        length = max(len(ours.prefix), len(theirs.prefix))
        for number in range(length):
            if ours.most is None or number < ours.most:
                yield from self.schemas(
                    ours.item(number), theirs.item(number), (*place, f"[{number}]")
                )
        if ours.most is None or ours.most > length:
            yield from self.schemas(ours.items, theirs.items, (*place, "[]"))

    def _objects(self, ours: Object, theirs: Object, place: tuple[str, ...]) -> Iterator[Finding]:
        reader = self._parties.reader
        for name in sorted(theirs.required - ours.required):
            yield self._can((*place, name), "required", f"be missing; {reader} require it")
        for name in sorted(ours.required):
            if not self._writable(ours.property(name)):
                yield self._found((*place, name), "contradiction", "is required but has no value")
        for name in sorted({*ours.properties, *theirs.properties}):
            yield from self._property(name, ours.property(name), theirs.property(name), place)
        if ours.additional is not False:
            yield from self._undeclared(ours.additional, theirs.additional, place)
        yield from self._names(ours, theirs, place)
        fewest = max(ours.fewest, len(ours.required))
        if fewest < theirs.fewest:
            yield self._can(
                place,
                "minProperties",
                f"have {fewest} fields; {reader} accept at least {theirs.fewest}",
            )
        most = _most_fields(ours)
        if theirs.most is not None and (most is None or most > theirs.most):
            number = "any number of" if most is None else most
            yield self._can(
                place,
                "maxProperties",
                f"have {number} fields; {reader} accept at most {theirs.most}",
            )

    def _property(
        self, name: str, ours: Schema, theirs: Schema, place: tuple[str, ...]
    ) -> Iterator[Finding]:
        if theirs is False and self._writable(ours):
            yield self._can(
                (*place, name), "undeclared", f"be there; {self._parties.reader} refuse it"
            )
        else:
            yield from self.schemas(ours, theirs, (*place, name))

    def _undeclared(
        self, ours: Schema, theirs: Schema, place: tuple[str, ...]
    ) -> Iterator[Finding]:
        if theirs is False:
            yield self._can(
                place, "undeclared", f"have undeclared fields; {self._parties.reader} refuse them"
            )
        else:
            yield from self.schemas(ours, theirs, (*place, "*"))

    def _names(self, ours: Object, theirs: Object, place: tuple[str, ...]) -> Iterator[Finding]:
        """Field names are texts with a schema of their own."""
        if theirs.names is True:
            return
        for name in sorted(ours.properties):
            if self._writable(ours.properties[name]) and not self._reader.accepts(
                theirs.names, name
            ):
                yield self._can(
                    place,
                    "propertyNames",
                    f"have the field `{name}`, whose name {self._parties.reader} refuse",
                )
        if ours.additional is not False:
            text: Schema = {"allOf": [{"type": "string"}, ours.names]}
            yield from self.schemas(text, theirs.names, (*place, "(name)"))

    def _writable(self, schema: Schema) -> bool:
        return schema is not False and bool(self._writer.shapes(schema))

    def _wrong_type(self, ours: Shape, readers: list[Shape], place: tuple[str, ...]) -> Finding:
        accepted = _listed(readers)
        text = f"be {_article(ours.kind)}; {self._parties.reader} accept {accepted}"
        return self._can(place, "type", text)

    def _can(self, place: tuple[str, ...], rule: str, text: str) -> Finding:
        return self._found(place, rule, f"{self._parties.may} {text}")

    def _unknown(self, place: tuple[str, ...], why: str) -> Finding:
        return self._found(place, "unknown", f"can't be compared: {why}")

    def _found(self, place: tuple[str, ...], rule: str, text: str) -> Finding:
        name = ".".join(place).replace(".[", "[") or "the document"
        return Finding(name, rule, f"`{name}` {text}")


def _comparable(ours: Shape, theirs: Shape) -> bool:
    numbers = {"integer", "number"}
    return ours.kind == theirs.kind or {ours.kind, theirs.kind} <= numbers


def _whole_only(number: Number) -> bool:
    return any(multiple % 1 == 0 for multiple in number.multiples)


def _beyond(ours: tuple[Fraction, bool], theirs: tuple[Fraction, bool]) -> bool:
    """Whether an upper bound lets more through than another."""
    return (ours[0], not ours[1]) > (theirs[0], not theirs[1])


def _reach(bound: tuple[Fraction, bool] | None, side: str) -> str:
    if bound is None:
        return f"arbitrarily {side}"
    limit, excluded = bound
    direction = "just under" if side == "high" else "just over"
    return f"{direction} {_plain(limit)}" if excluded else _plain(limit)


def _limit(bound: tuple[Fraction, bool], included: str, excluded: str) -> str:
    return f"{excluded if bound[1] else included} {_plain(bound[0])}"


def _plain(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else str(float(number))


def _most_fields(shape: Object) -> int | None:
    if shape.additional is False:
        declared = len(shape.properties)
        return declared if shape.most is None else min(declared, shape.most)
    return shape.most


def _listed(shapes: list[Shape]) -> str:
    """What a reader accepts, in words."""
    values = [json.dumps(shape.value) for shape in shapes if shape.kind == "value"]
    kinds = [_article(shape.kind) for shape in shapes if shape.kind != "value"]
    alternatives = list(dict.fromkeys((*values, *kinds)))
    return " or ".join(alternatives) if alternatives else "nothing here"


def _article(kind: str) -> str:
    if kind == "null":
        return kind
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
