"""Facts in DynamoDB. The row is the dedupe record: it is written only when the revision is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cv_reporter.adapters.aws import THREADS
from cv_reporter.adapters.items import (
    from_item,
    locator_key,
    lookup_of,
    request_of,
    session_lookup,
    to_item,
)
from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.application.ports import Partition
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.fact import Fact, FactKey, Placement, row, rows_at

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

NEWER = "attribute_not_exists(pk) OR revision < :revision"
MAX_MOVES = 4


class MovingError(Exception):
    """A correction kept meeting other writers of the same question; it must be tried again."""


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads for the writes of a batch, kept for the next one; loaded with the first."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    return ThreadPoolExecutor(THREADS)


@dataclass(frozen=True, slots=True)
class DynamoFactStore:
    """One row per question, at its local day and shard."""

    table: Table
    placement: Placement
    retention_days: int = 400

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact unless this revision or a later one is there.

        First revisions, the usual case, go out at the same time; corrections one by one, for each
        is a short dialogue with the table. A fact of a day that is only counted here is left out.
        """
        first = [place for place, fact in enumerate(facts) if fact.revision == 1]
        results = dict(zip(first, self._record_firsts([facts[n] for n in first]), strict=True))
        return [
            results[place] if place in results else self._try(fact)
            for place, fact in enumerate(facts)
        ]

    def _record_firsts(self, facts: Sequence[Fact]) -> list[Exception | None]:
        if len(facts) < 2:  # noqa: PLR2004 (one write needs no threads)
            return [self._try(fact) for fact in facts]
        return list(_threads().map(self._try, facts))

    def of(self, at: Partition) -> list[Fact]:
        """The facts of a day and shard, read consistently."""
        return [
            from_item(item)
            for item in self.table.query(self.placement.partition(*at), ConsistentRead=True)
        ]

    def newest_first(self, at: Partition, before: str | None = None) -> Iterator[Fact]:
        """The facts of a day and shard, newest first, read page by page."""
        # Rows start with digits, so all of them lie between "0" and ":", the character after "9".
        end = before or ":"
        items = self.table.query(
            self.placement.partition(*at), between=("0", end), ScanIndexForward=False
        )
        return (from_item(item) for item in items if string(item, "sk") != before)

    def asked(self, request_id: str, asked_at: int) -> Fact | None:
        """The fact of a question that was asked at that time; a read for each shard."""
        for at in rows_at(request_id, asked_at, self.placement):
            if item := self.table.get(*at):
                return from_item(item)
        return None

    def asked_at(self, asked_at: int) -> list[Fact]:
        """The facts of the questions that were asked at that very millisecond."""
        day, place = local_day(asked_at, self.placement.time_zone), row(asked_at, "")
        within = (place, place.replace("#", "$"))  # the next character
        return [
            from_item(item)
            for shard in range(self.placement.shards)
            for item in self.table.query(self.placement.partition(day, shard), between=within)
        ]

    def of_session(self, session_id: str) -> list[FactKey]:
        """Where a session's facts are, as far as the index knows yet."""
        return self._looked_up(session_lookup(session_id))

    def of_question(self, request_id: str, times: Iterable[int]) -> list[FactKey]:
        """Where a question's facts are that was asked at one of these times.

        A row that its locator names is among them, too.
        """
        keys = {at for time in times for at in rows_at(request_id, time, self.placement)}
        if locator := self.table.get(*self._locator_key(request_id)):
            keys.add(FactKey(string(locator, "factPk"), string(locator, "factSk")))
        return sorted(FactKey(*at) for at in self.table.batch_get(keys))

    def remove(self, session_id: str, keys: Iterable[FactKey]) -> None:
        """Remove a session's rows, and before each what remembers where a corrected one is.

        In that order: as long as the row is there, a second try finds what is left to do. The index
        that named the rows lags: one may belong to another session by now.
        """
        for at in keys:
            remove_row(self.table, session_lookup(session_id), at, self.placement.generation)

    def remove_question(self, request_id: str, keys: Iterable[FactKey]) -> None:
        """Remove a question's rows, and at last what remembers where a corrected one is.

        In that order: the locator names a row that no time of asking leads to.
        """
        for at in keys:
            self.table.delete(*at)
        self.table.delete(*self._locator_key(request_id))

    def _locator_key(self, request_id: str) -> tuple[str, str]:
        return locator_key(request_id, self.placement.generation)

    def _looked_up(self, lookup: str) -> list[FactKey]:
        """The keys of this generation: the index has those of all."""
        keys = map(_key_of, self.table.lookup(lookup))
        return list(filter(self.placement.holds, keys))

    def _try(self, fact: Fact) -> Exception | None:
        try:
            self._record(fact)
        except Exception as error:  # noqa: BLE001 (told to the caller, for this fact alone)
            return error
        return None

    def _record(self, fact: Fact) -> None:
        """A first revision is one conditional write; a correction may have to move a row."""
        if not self.placement.has_row(fact):
            return
        if fact.revision > 1:
            self._correct(fact)
            return
        item = to_item(fact, self.placement.key(fact), self.retention_days)
        self.table.put_if(item, NEWER, {":revision": number(fact.revision)})

    def _correct(self, fact: Fact) -> None:
        """Write a correction and take rows at other keys along, all or nothing.

        The locator remembers the newest correction, so that an older revision that comes late, with
        another time of asking, finds that it is old.
        """
        for _ in range(MAX_MOVES):
            locator = self.table.get(*self._locator_key(fact.request_id))
            if locator and integer(locator, "revision") >= fact.revision:
                return
            if self._move(fact, self._elsewhere(fact, locator)):
                return
            if self._known(fact):
                return
        raise MovingError("a correction met other writers")

    def _elsewhere(self, fact: Fact, locator: Item | None) -> list[FactKey]:
        """Rows of the same question under other keys."""
        here = self.placement.key(fact)
        rows = set(self._looked_up(lookup_of(fact)))
        if locator:
            rows.add(FactKey(string(locator, "factPk"), string(locator, "factSk")))
        return sorted(at for at in rows if request_of(at.row) == fact.request_id and at != here)

    def _move(self, fact: Fact, old: Iterable[FactKey]) -> bool:
        here = self.placement.key(fact)
        newer = {":revision": number(fact.revision)}
        writes = [
            self._put(to_item(fact, here, self.retention_days), newer),
            self._put(self._locator(fact, here), newer),
            *(self._delete(at, newer) for at in old),
        ]
        return self.table.accepted(
            "transact_write_items", refusal="TransactionCanceledException", TransactItems=writes
        )

    def _locator(self, fact: Fact, at: FactKey) -> Item:
        item = to_item(fact, at, self.retention_days)
        return {
            **key(*self._locator_key(fact.request_id)),
            "kind": text("LOCATOR"),
            "revision": item["revision"],
            "subject": item["lookup"],
            "factPk": text(at.partition),
            "factSk": text(at.row),
            "ttl": item["ttl"],
        }

    def _put(self, item: Item, values: Item) -> dict[str, Any]:
        return {"Put": self._conditional(values) | {"Item": item}}

    def _delete(self, at: FactKey, values: Item) -> dict[str, Any]:
        return {"Delete": self._conditional(values) | {"Key": key(*at)}}

    def _conditional(self, values: Item) -> dict[str, Any]:
        return {
            "TableName": self.table.name,
            "ConditionExpression": NEWER,
            "ExpressionAttributeValues": values,
        }

    def _known(self, fact: Fact) -> bool:
        """Whether the row has this revision or a later one, perhaps by our own lost answer."""
        row = self.table.get(*self.placement.key(fact))
        return row is not None and integer(row, "revision") >= fact.revision


def remove_row(table: Table, lookup: str, at: tuple[str, str], generation: int) -> None:
    """Remove a row and its locator, each if it stands under this index key."""
    values = {":lookup": text(lookup)}
    table.delete(
        *locator_key(request_of(at[1]), generation),
        ConditionExpression="subject = :lookup",
        ExpressionAttributeValues=values,
    )
    table.delete(*at, ConditionExpression="lookup = :lookup", ExpressionAttributeValues=values)


def _key_of(item: Item) -> FactKey:
    return FactKey(string(item, "pk"), string(item, "sk"))
