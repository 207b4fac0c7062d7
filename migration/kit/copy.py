"""Copy the Processor's rows between tables by join, while both may be written. Its own inverse.

Nothing is overwritten: a row becomes what both sides know of the question, and only if it is still
the version that was read. So it may run at any time, again and again, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import ClientError
from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.adapters.items import CORRELATION_SORT_KEY, from_item
from cv_processor.domain.correlation import Correlation, Half, merge_all

from migration.kit.rows import everything, owner

ATTEMPTS: Final = 10
REFUSED: Final = "ConditionalCheckFailedException"
Item = dict[str, Any]


class ContendedError(RuntimeError):
    """A row kept changing while it was copied; another run takes it along."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a run did."""

    read: int = 0
    written: int = 0


def joined(left: Correlation, right: Correlation) -> Correlation:
    """What two tables know of one question: commutative, associative, idempotent. Pure."""
    both = merge_all(left, _halves(right))
    graces = [one.gave_up_after for one in (left, right) if one.gave_up_after is not None]
    parked = both.parked | right.parked
    return replace(both, parked=parked, gave_up_after=min(graces, default=None))


def _halves(correlation: Correlation) -> list[Half]:
    return [half for half in (correlation.query, correlation.response) if half is not None]


@dataclass(frozen=True, slots=True)
class Copy:
    """From one table to another; `dynamodb` is boto3's client."""

    dynamodb: Any
    source: str
    target: str
    retention_days: int = 400

    @property
    def inverse(self) -> Copy:
        """The copy back."""
        return replace(self, source=self.target, target=self.source)

    def run(self, crash: Callable[[int], None] = lambda _: None) -> Copied:
        """Copy all rows of the Processor; `crash` is called with the number of each row.

        Raises `ContendedError`.
        """
        there = everything(self.dynamodb, self.target)
        read = written = 0
        for key, item in everything(self.dynamodb, self.source).items():
            if owner(key[0]) != "processor":
                continue
            crash(read)
            read += 1
            written += self._copy(item, there.get(key))
        return Copied(read, written)

    def _copy(self, item: Item, there: Item | None) -> bool:
        """Whether the target was written; `there` is what it had when the copy began."""
        if item["sk"]["S"] != CORRELATION_SORT_KEY:
            return there is None and self._put_if_absent(item)
        store = self._store(int(item["ttl"]["N"]))
        row = from_item(item)
        seen = from_item(there) if there is not None else None
        for _ in range(ATTEMPTS):
            goal = joined(seen or Correlation(row.request_id), row)
            if goal == seen:
                return False
            refused = store.replace(goal, seen=seen) if seen else store.insert(goal)
            if refused is None:
                return True
            seen = refused.existing
        raise ContendedError(f"{row.request_id} changed {ATTEMPTS} times in a row")

    def _put_if_absent(self, item: Item) -> bool:
        """Parked halves, receipts and tombstones never change."""
        try:
            self.dynamodb.put_item(
                TableName=self.target, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != REFUSED:
                raise
            return False
        return True

    def _store(self, ttl: int) -> CorrelationTable:
        """The target, which gives the row the end of retention that it has in the source."""
        written_at = ttl - self.retention_days * 86_400
        return CorrelationTable(
            self.dynamodb,
            self.target,
            now=lambda: float(written_at),
            shards=lambda: 1,  # as both stacks are deployed; the layout is copied as any row is
            retention_days=self.retention_days,
        )


def move_rows(dynamodb: Any, source: str, target: str, service: str) -> int:
    """Move a service's rows to another table while nobody writes them; returns how many.

    A row is in the target before it leaves the source. Who was killed in between repeats the move.
    """
    moving = [
        (key, item)
        for key, item in everything(dynamodb, source).items()
        if owner(key[0]) == service
    ]
    for (pk, sk), item in moving:
        dynamodb.put_item(TableName=target, Item=item)
        dynamodb.delete_item(TableName=source, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    return len(moving)


def unequal(left: Mapping[str, Correlation], right: Mapping[str, Correlation]) -> set[str]:
    """The questions that two tables do not know alike."""
    return {id_ for id_ in left.keys() | right.keys() if left.get(id_) != right.get(id_)}
