"""A schema as rows of a table: one per field, nested ones by their dotted names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "up to {} characters",
    "maxItems": "up to {} items",
    "pattern": "{}",
    "format": "{}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `limits` are code (patterns) or words."""

    name: str
    kind: str
    required: bool
    limits: tuple[str, ...]
    description: str


def fields(root: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> list[Field]:
    """All fields of a schema, in its order; `root` is where its references lead."""
    resolved = _resolved(root, root if schema is None else schema)
    listed = _resolved(root, resolved.get("items", {})) if "items" in resolved else resolved
    branches = [_resolved(root, one) for one in listed.get("oneOf", listed.get("anyOf", ()))]
    found = [one for branch in (listed, *branches) for one in _fields(root, branch, "")]
    return list({one.name: one for one in found}.values())


def _fields(root: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, own in schema.get("properties", {}).items():
        resolved = _resolved(root, own)
        inner = f"{place}{name}"
        description = own.get("description") or resolved.get("description", "")
        kind, limits = _kind(root, resolved), _limits(resolved)
        yield Field(inner, kind, name in required, limits, description.split("\n\n")[0])
        items = _resolved(root, resolved.get("items", {}))
        yield from _fields(root, resolved, f"{inner}.")
        yield from _fields(root, items, f"{inner}[].")


def _resolved(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Follow a reference, and look through `or null`."""
    if not isinstance(schema, Mapping):
        return {}
    alternatives = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        return _resolved(root, {**alternatives[0], **_described(schema)})
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return {**target, **_described(schema)}
    return schema


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("description",) if key in schema}


def _kind(root: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        open_end = ", …" if "x-reader" in schema else ""
        return " | ".join(str(one) for one in schema["enum"]) + open_end
    if schema.get("type") == "array":
        return f"list of {_kind(root, _resolved(root, schema.get('items', {})))}"
    return str(schema.get("type", "any"))


def _limits(schema: Mapping[str, Any]) -> tuple[str, ...]:
    limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
    return tuple("not empty" if one == "1 characters or more" else one for one in limits)
