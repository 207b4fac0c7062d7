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
    lookup_of,
    request_lookup,
    request_of,
    tombstone_key,
)
from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.domain.fact import Fact, FactKey, Placement


@dataclass(frozen=True, slots=True)
class Guard:
    """Looks at a generation's new rows and new locators, as the stream shows them."""

    table: Table
    placement: Placement

    def check_facts(self, facts: Sequence[Fact]) -> None:
        """Remove the rows of those of the facts that are stale or erased."""
        self.check_rows(
            [{**key(*self.placement.key(fact)), "lookup": text(lookup_of(fact))} for fact in facts]
        )

    def check_rows(self, rows: Sequence[Item]) -> None:
        """Remove those of the new rows that are stale or erased."""
        locators = {_row_key(row): self._locator_key(row) for row in rows}
        graves = {_row_key(row): _graves(row) for row in rows}
        items = self.table.batch_get([*locators.values(), *chain.from_iterable(graves.values())])
        for row in rows:
            at = _row_key(row)
            locator = items.get(locators[at])
            if not graves[at].isdisjoint(items):
                remove_row(self.table, string(row, "lookup"), at, self.placement.generation)
            elif locator is not None:
                self._remove_if_stale(at, locator)

    def check_locator(self, locator: Item) -> None:
        """Remove rows of a moved question that its correction did not see when it was written."""
        request_id = string(locator, "pk").partition("#")[2]
        for item in self.table.lookup(string(locator, "subject")):
            at = _row_key(item)
            if request_of(at.row) == request_id and self.placement.holds(at):
                self._remove_if_stale(at, locator)

    def _locator_key(self, row: Item) -> tuple[str, str]:
        return locator_key(request_of(string(row, "sk")), self.placement.generation)

    def _remove_if_stale(self, at: FactKey, locator: Item) -> None:
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


def _row_key(item: Item) -> FactKey:
    return FactKey(string(item, "pk"), string(item, "sk"))
