"""Every small change of a schema or an API document that somebody could make by accident."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cv_contracts_checker.compatibility._positions import walk

Document = dict[str, Any]
Place = tuple[str | int, ...]

_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_OTHER_TYPE = {"string": "integer", "integer": "string", "number": "string", "boolean": "string"}


@dataclass(frozen=True)
class Mutant:
    """A changed document. `breaks`: True or False where it is certain for an event, else None."""

    name: str
    document: Document
    breaks: bool | None = None


def of_schema(document: Document, root: Place = ()) -> Iterator[Mutant]:
    """Mutants of every schema in a document (or in its part at `root`)."""
    part = at(document, root)
    for place, node in walk(part):
        if "x-reader" in place:
            continue
        for name, certain, change in _of_node(node):
            breaks = None if certain and _readers_take_more(part, place) else certain
            mutated = with_change(document, root + place, change)
            yield Mutant(f"{'/'.join(map(str, place))}: {name}", mutated, breaks)


def _readers_take_more(document: Any, place: Place) -> bool:
    """Whether the node, or one around it, says that readers accept more than it does."""
    around = (at(document, place[:length]) for length in range(len(place) + 1))
    return any(isinstance(node, dict) and "x-reader" in node for node in around)


def at(document: Any, place: Place) -> Any:
    """The part of a document at a place."""
    for key in place:
        document = document[key]
    return document


def with_change(document: Any, place: Place, change: Callable[[Any], object]) -> Any:
    """The document with one part changed; what lies beside the way there is shared, not copied."""
    if not place:
        part = copy.deepcopy(document)
        change(part)
        return part
    result = document.copy()
    result[place[0]] = with_change(document[place[0]], place[1:], change)
    return result


Change = tuple[str, bool | None, Callable[[Document], object]]


def _of_node(node: Document) -> Iterator[Change]:
    yield from _of_fields(node)
    yield from _of_values(node)
    for bound in _BOUNDS:
        if bound in node:
            yield f"{bound} raised", True, _set(bound, node[bound] + 1)
            if node[bound] > 0:
                yield f"{bound} lowered", True, _set(bound, node[bound] - 1)
            yield f"{bound} removed", True, _without(bound)
    if "pattern" in node:
        yield "pattern changed", True, _set("pattern", "^never$")
        yield "pattern removed", True, _without("pattern")
    if node.get("type") in _OTHER_TYPE:
        yield "type changed", True, _set("type", _OTHER_TYPE[node["type"]])
    if "description" in node:
        yield "description changed", False, _set("description", "Otherwise.")
    for union in ("anyOf", "oneOf"):
        if union in node:
            yield f"{union} lost its last", True, _set(union, node[union][:-1])


def _of_fields(node: Document) -> Iterator[Change]:
    required = node.get("required", [])
    for name in node.get("properties", {}):
        needed = name in required
        yield f"{name} removed", needed, _renamed(name, None)
        yield f"{name} renamed", needed, _renamed(name, f"{name}X")
        others = [one for one in required if one != name]
        if needed:
            yield f"{name} optional", True, _set("required", others)
        else:
            yield f"{name} required", True, _set("required", [*required, name])
    if "properties" in node:
        field = {**node["properties"], "brandNew": {"type": "string"}}
        yield "optional field added", False, _set("properties", field)


def _of_values(node: Document) -> Iterator[Change]:
    closed = "x-reader" not in node
    if "enum" in node:
        yield "member added", closed, _set("enum", [*node["enum"], "brand_new"])
        yield "member removed", closed, _set("enum", node["enum"][1:])
    if "const" in node:
        yield "const changed", True, _set("const", f"{node['const']}-other")


def _set(keyword: str, value: Any) -> Callable[[Document], object]:
    return lambda node: node.__setitem__(keyword, value)


def _without(key: str | int) -> Callable[[Any], object]:
    return lambda node: node.pop(key)


def _renamed(name: str, new: str | None) -> Callable[[Document], object]:
    """Rename a field, in its requirement too; with None, remove it."""

    def change(node: Document) -> None:
        schema = node["properties"].pop(name)
        if new is not None:
            node["properties"][new] = schema
        if name in node.get("required", []):
            kept = [one for one in node["required"] if one != name]
            node["required"] = kept if new is None else [*kept, new]

    return change


def of_api(document: Document) -> Iterator[Mutant]:
    """Mutants of every route, parameter, body, response and model of an API."""
    for path, item in document["paths"].items():
        yield _mutant(document, f"{path} removed", ("paths",), _without(path), breaks=True)
        for method, operation in item.items():
            place = ("paths", path, method)
            yield _mutant(
                document,
                f"{method} {path} removed",
                ("paths", path),
                _without(method),
                breaks=True,
            )
            yield from _of_operation(document, place, operation)
    for name in document.get("components", {}).get("schemas", {}):
        yield from of_schema(document, ("components", "schemas", name))


def _of_operation(document: Document, place: Place, operation: Document) -> Iterator[Mutant]:
    name = f"{place[2]} {place[1]}"
    for number, parameter in enumerate(operation.get("parameters", [])):
        where = (*place, "parameters")
        yield _mutant(
            document,
            f"{name} {parameter['name']} removed",
            where,
            _without(number),
            breaks=True,
        )
        inner = (*where, number)
        renamed = f"{parameter['name']}X"
        yield _mutant(
            document,
            f"{name} {parameter['name']} renamed",
            inner,
            _set("name", renamed),
            breaks=True,
        )
        if not parameter.get("required"):
            yield _mutant(
                document,
                f"{name} {parameter['name']} required",
                inner,
                _set("required", True),
                breaks=True,
            )
        yield from of_schema(document, (*inner, "schema"))
    if "requestBody" in operation:
        yield _mutant(document, f"{name} body removed", place, _without("requestBody"), breaks=True)
        yield from _of_contents(document, f"{name} body", (*place, "requestBody", "content"))
    for status, response in operation.get("responses", {}).items():
        where = (*place, "responses")
        success = status < "4"
        yield _mutant(
            document,
            f"{name} {status} removed",
            where,
            _without(status),
            breaks=success,
        )
        if response.get("content"):
            yield from _of_contents(document, f"{name} {status}", (*where, status, "content"))


def _of_contents(document: Document, name: str, place: Place) -> Iterator[Mutant]:
    for media, content in at(document, place).items():
        yield _mutant(
            document,
            f"{name} {media} removed",
            place,
            _without(media),
            breaks=True,
        )
        if "schema" in content:
            yield from of_schema(document, (*place, media, "schema"))


def _mutant(
    document: Document,
    name: str,
    place: Place,
    change: Callable[[Any], object],
    *,
    breaks: bool | None = None,
) -> Mutant:
    return Mutant(name, with_change(document, place, change), breaks)
