"""Removes rows that should not be there any more: stale revisions, and facts that were erased.

A fact is written without looking around, one conditional write. What such a write can't see — that
a later revision moved the question, or that it or its session was erased — is caught here, when the
table's stream shows the new row, with one batch read for a whole batch of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from cv_reporter.adapters.fact_store import NEWER, remove_row
from cv_reporter.adapters.items import (
    locator_key,
    request_lookup,
    request_of,
    tombstone_key,
)
from cv_reporter.adapters.table import Item, Table, integer, number, string


@dataclass(frozen=True, slots=True)
class Guard:
    """Looks at new rows and new locators as the stream shows them."""

    table: Table

    def check_rows(self, rows: Sequence[Item]) -> None:
        """Remove those of the new rows that are stale or erased."""
        locators = {_row_key(row): locator_key(request_of(string(row, "sk"))) for row in rows}
        graves = {_row_key(row): _graves(row) for row in rows}
        items = self.table.batch_get([*locators.values(), *chain.from_iterable(graves.values())])
        for row in rows:
            at = _row_key(row)
            locator = items.get(locators[at])
            if not graves[at].isdisjoint(items):
                remove_row(self.table, string(row, "lookup"), at)
            elif locator is not None:
                self._remove_if_stale(at, locator)

    def check_locator(self, locator: Item) -> None:
        """Remove rows of a moved question that its correction did not see when it was written."""
        request_id = string(locator, "pk").partition("#")[2]
        for item in self.table.lookup(string(locator, "subject")):
            if request_of(string(item, "sk")) == request_id:
                self._remove_if_stale(_row_key(item), locator)

    def _remove_if_stale(self, at: tuple[str, str], locator: Item) -> None:
        if at == (string(locator, "factPk"), string(locator, "factSk")):
            return
        self.table.delete(
            *at,
            ConditionExpression=NEWER,
            ExpressionAttributeValues={":revision": number(integer(locator, "revision"))},
        )


def _graves(row: Item) -> set[tuple[str, str]]:
    """Where it would stand that the row's session, or its question, is erased."""
    question = request_lookup(request_of(string(row, "sk")))
    return {tombstone_key(string(row, "lookup")), tombstone_key(question)}


def _row_key(item: Item) -> tuple[str, str]:
    return string(item, "pk"), string(item, "sk")
