"""JSON references: where they point in a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cv_contracts_checker.errors import SchemaError


def target(root: Any, reference: object) -> Any:
    """What a reference points at. Raises `SchemaError` if that is nowhere in this document."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise SchemaError(f"a reference outside of the document: {reference}")
    if reference != "#" and not reference.startswith("#/"):
        raise SchemaError(f"a reference to an anchor, which is not followed: {reference}")
    place = root
    for part in filter(None, reference[1:].split("/")):
        place = _step(place, unquote(part).replace("~1", "/").replace("~0", "~"), reference)
    return place


def _step(place: Any, name: str, reference: str) -> Any:
    if isinstance(place, Mapping) and name in place:
        return place[name]
    if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
        return place[int(name)]
    raise SchemaError(f"a reference to what is not there: {reference}")


def resolved(root: Any, part: Any) -> Any:
    """A part of a document with the reference that it consists of followed; siblings win."""
    seen: set[str] = set()
    while isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
        reference = part["$ref"]
        if reference in seen:
            raise SchemaError(f"a reference that leads to itself: {reference}")
        seen.add(reference)
        found = target(root, reference)
        beside = {name: value for name, value in part.items() if name != "$ref"}
        part = {**found, **beside} if isinstance(found, Mapping) else found
    return part
