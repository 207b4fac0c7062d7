"""DynamoDB's own arithmetic: item sizes and write units, with those of indexes of keys only.

Source: "Item sizes and formats" and "Write operation consumption" of the DynamoDB developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KIB = 1_024
TABLE_KEY = ("pk", "sk")

Item = Mapping[str, Mapping[str, Any]]
Indexes = tuple[tuple[str, ...], ...]


def item_size(item: Item) -> int:
    """Bytes: names and strings in UTF-8; a number takes half its digits, rounded up, and one."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(change: Mapping[str, Any], indexes: Indexes) -> int:
    """The write units of a change record of the stream; `indexes` are the keys of each."""
    old, new = change["dynamodb"].get("OldImage"), change["dynamodb"].get("NewImage")
    larger = max(item_size(image) for image in (old, new) if image)
    return _units(larger) + sum(_index_units(keys, old, new) for keys in indexes)


def _index_units(keys: tuple[str, ...], old: Item | None, new: Item | None) -> int:
    """An entry that appears or goes is a write; one whose key changes is both."""
    before, after = (_entry(keys, image) for image in (old, new))
    if before == after:
        return 0
    return sum(_units(item_size(entry)) for entry in (before, after) if entry)


def _entry(keys: tuple[str, ...], image: Item | None) -> dict[str, Any] | None:
    """What an index of keys only holds of an item; nothing if a key is missing."""
    if image is None or not all(key in image for key in keys):
        return None
    return {key: image[key] for key in (*TABLE_KEY, *keys)}


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return (len(content) + 1) // 2 + 1
        case "S":
            return len(content.encode())
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(len(n.encode()) + 1 + _value_size(v) for n, v in content.items())
        case "L":
            return 3 + sum(1 + _value_size(v) for v in content)
        case _:  # sets of texts
            return sum(len(text.encode()) for text in content)


def _units(size: int) -> int:
    return -(-size // KIB)
