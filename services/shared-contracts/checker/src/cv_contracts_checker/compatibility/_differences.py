"""What differs between two schemas, field by field, whether it matters or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cv_contracts_checker.compatibility._positions import READER_KEYWORD, Schema, differ
from cv_contracts_checker.compatibility._references import resolved
from cv_contracts_checker.compatibility._shapes import ASSERTIONS

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = {"items": "[]", "additionalProperties": ".*", "propertyNames": ".(name)"}
_FOLLOWED = frozenset({"properties", "required", "$ref", *_LISTS, *_SINGLES})
_IGNORED = frozenset({"$defs", "definitions", "$schema", "$id", "title"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference at a place. `kind`: added, removed, required, optional, open, default, text,
    form."""

    place: str
    kind: str
    what: str


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    old_schema: Schema | None = None,
    new_schema: Schema | None = None,
) -> list[Difference]:
    """All differences, in the order of the new schema's places."""
    comparison = _Comparison(old, new)
    first = dict(old) if old_schema is None else old_schema
    second = dict(new) if new_schema is None else new_schema
    return list(comparison.schemas(first, second, ""))


class _Comparison:
    """One run; pairs of references already seen are not followed again."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def schemas(self, old: Schema, new: Schema, place: str) -> Iterator[Difference]:
        if self._again(old, new):
            return
        old, new = resolved(self._old, old), resolved(self._new, new)
        if isinstance(old, bool) or isinstance(new, bool):
            if old != new:
                yield _form(place, f"accepts {_shown(new)} instead of {_shown(old)}")
            return
        for keyword in sorted({*old, *new} - _FOLLOWED - _IGNORED):
            if differ(old.get(keyword), new.get(keyword)):
                yield _keyword(place, keyword, old.get(keyword), new.get(keyword))
        yield from self._fields(old, new, place)
        yield from self._alternatives(old, new, place)
        for keyword, mark in _SINGLES.items():
            inner = f"{place}{mark}".removeprefix(".")
            yield from self.schemas(old.get(keyword, True), new.get(keyword, True), inner)

    def _again(self, old: Schema, new: Schema) -> bool:
        if isinstance(old, bool) or isinstance(new, bool) or "$ref" not in old:
            return False
        pair = (old["$ref"], json.dumps(new, sort_keys=True))
        seen = pair in self._seen
        self._seen.add(pair)
        return seen

    def _fields(self, old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in {**before, **after}:
            inner = f"{place}.{name}" if place else name
            if name not in before:
                form = "required" if name in needs else "optional"
                yield Difference(inner, "added", f"`{inner}` was added, {form}")
            elif name not in after:
                yield Difference(inner, "removed", f"`{inner}` was removed")
            else:
                yield from self._presence(inner, name in needed, name in needs)
                yield from self.schemas(before[name], after[name], inner)

    def _presence(self, place: str, before: bool, after: bool) -> Iterator[Difference]:
        if before and not after:
            yield Difference(place, "optional", f"`{place}` became optional")
        if after and not before:
            yield Difference(place, "required", f"`{place}` became required")

    def _alternatives(
        self, old: dict[str, Any], new: dict[str, Any], place: str
    ) -> Iterator[Difference]:
        for keyword in _LISTS:
            before, after = old.get(keyword, []), new.get(keyword, [])
            if len(before) != len(after):
                yield _form(place, f"has {len(after)} alternatives instead of {len(before)}")
                continue
            for one, other in zip(before, after, strict=True):
                yield from self.schemas(one, other, place)


def _keyword(place: str, keyword: str, old: Any, new: Any) -> Difference:
    name = place or "the document"
    if keyword == READER_KEYWORD:
        return Difference(place, "open", f"what readers accept in `{name}` changed")
    if keyword == "default":
        text = f"`{name}`: default {_shown(old)} → {_shown(new)}"
        return Difference(place, "default", text)
    if keyword not in ASSERTIONS:
        return Difference(place, "text", f"`{name}`: its {keyword} changed")
    if keyword == "enum" and isinstance(old, list) and isinstance(new, list):
        return Difference(place, "form", f"`{name}`: {_members(old, new)}")
    return Difference(place, "form", f"`{name}`: {keyword} {_shown(old)} → {_shown(new)}")


def _members(old: list[Any], new: list[Any]) -> str:
    added = [json.dumps(one) for one in new if one not in old]
    removed = [json.dumps(one) for one in old if one not in new]
    parts = ((added, "gained"), (removed, "lost"))
    return ", ".join(f"{verb} {', '.join(names)}" for names, verb in parts if names) or "reordered"


def _shown(value: Any) -> str:
    return "(none)" if value is None else json.dumps(value)


def _form(place: str, text: str) -> Difference:
    return Difference(place, "form", f"`{place or 'the document'}` {text}")
