"""How the days of the table are laid out: stored with the data, not in the settings.

The item (`LAYOUT` / `LAYOUT`) has the fields of `domain.days.Layout`, by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from cv_processor.adapters.aws import error_code, translated
from cv_processor.adapters.items import LAYOUT_KEY, Item, layout_key, number
from cv_processor.domain.days import LAYOUT_SECONDS, Layout


@dataclass(slots=True)
class LayoutTable:
    """The stored layout, kept in memory for `LAYOUT_SECONDS`. `clock` is in seconds since 1970.

    It is read by `Query`, which every function that needs it may do anyway: `GetItem` would let
    `ingest` read questions. The wall clock goes on while a container is frozen.
    """

    dynamodb: Any
    table: str
    wanted: int
    """The setting: what a table without a layout gets."""
    clock: Callable[[], float]
    _kept: Layout | None = None
    _read_at: float = float("-inf")
    _said: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    def current(self) -> Layout:
        """The layout that readers follow; as the setting says, while none is stored."""
        with self._lock:
            return self._fresh() or Layout.of(self.wanted)

    def shards_to_write(self) -> int:
        """Into how many shards to write. Stores the setting as the layout if there is none.

        Whoever writes the first item thereby says how it is laid out.
        """
        with self._lock:
            layout = self._fresh()
            while layout is None:
                layout = self.put(Layout.of(self.wanted)) or self.stored()
            return layout.shards

    def stored(self) -> Layout | None:
        """The layout as it is stored now, read consistently."""
        self._read_at = self.clock()
        with translated():
            answer = self.dynamodb.query(
                TableName=self.table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :layout AND sk = :layout",
                ExpressionAttributeValues={":layout": {"S": LAYOUT_KEY}},
            )
        self._kept = next(map(_layout, answer["Items"]), None)
        return self._kept

    def put(self, layout: Layout) -> Layout | None:
        """Store a layout over the version that it was made of; `None` if another stands there."""
        began, stored = self.clock(), replace(layout, version=layout.version + 1)
        with translated():
            try:
                self.dynamodb.put_item(TableName=self.table, Item=_item(stored), **_over(layout))
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return None
        self._kept, self._read_at = stored, began
        return stored

    def difference(self) -> Mapping[str, int]:
        """For the log: the setting, if the layout is another one; told once, and read by nobody."""
        layout = self._kept
        if self._said or layout is None:
            return {}
        self._said = True
        return {} if layout.shards == self.wanted else {"stored": layout.shards, "set": self.wanted}

    def _fresh(self) -> Layout | None:
        """That there is none is not kept: the first writer may store one at any moment."""
        age = self.clock() - self._read_at
        if self._kept is not None and 0 <= age < LAYOUT_SECONDS:
            return self._kept
        return self.stored()


def _over(layout: Layout) -> dict[str, Any]:
    if not layout.version:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "version = :seen",
        "ExpressionAttributeValues": {":seen": number(layout.version)},
    }


def _item(layout: Layout) -> Item:
    return {
        **layout_key(),
        "shards": number(layout.shards),
        "widest": number(layout.widest),
        "moving": number(int(layout.moving)),
        "version": number(layout.version),
    }


def _layout(item: Item) -> Layout:
    return Layout(
        shards=int(item["shards"]["N"]),
        widest=int(item["widest"]["N"]),
        moving=item["moving"]["N"] != "0",
        version=int(item["version"]["N"]),
    )
