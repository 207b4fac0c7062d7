"""The Reporter's one table, as far as every store needs it. Every call goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cv_reporter.adapters.aws import error_code, translated

Item = dict[str, dict[str, Any]]

BATCH_GET_LIMIT = 100
BATCH_WRITE_LIMIT = 25
LOOKUP_INDEX = "lookup"
CONDITION_FAILED = "ConditionalCheckFailedException"


def text(value: str) -> dict[str, str]:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """A number attribute."""
    return {"N": str(value)}


def key(pk: str, sk: str) -> Item:
    """An item's key."""
    return {"pk": text(pk), "sk": text(sk)}


def integer(item: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A number attribute's value."""
    attribute = item.get(name)
    return int(attribute["N"]) if attribute else default


def string(item: Mapping[str, Any], name: str, default: str = "") -> str:
    """A string attribute's value."""
    attribute = item.get(name)
    return str(attribute["S"]) if attribute else default


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table by name, over a low-level client."""

    client: Any
    name: str

    def get(self, pk: str, sk: str, *, consistent: bool = True) -> Item | None:
        """An item, or nothing."""
        answer = self.call("get_item", Key=key(pk, sk), ConsistentRead=consistent)
        item: Item | None = answer.get("Item")
        return item

    def call(self, operation: str, **request: Any) -> Any:
        """An operation of the client on this table. Raises `UnavailableError`."""
        with translated():
            return getattr(self.client, operation)(TableName=self.name, **request)

    def accepted(self, operation: str, *, refusal: str = CONDITION_FAILED, **request: Any) -> bool:
        """Whether a conditional write was done; `refusal` is the error of one whose condition
        did not hold."""
        with translated():
            try:
                getattr(self.client, operation)(**request)
            except ClientError as error:
                if error_code(error) != refusal:
                    raise
                return False
        return True

    def put(self, item: Item) -> None:
        """Write an item, whatever was there."""
        self.call("put_item", Item=item)

    def put_if(self, item: Item, condition: str, values: Item | None = None) -> bool:
        """Write an item if the condition holds; says whether it did."""
        request: dict[str, Any] = {"ConditionExpression": condition}
        if values:
            request["ExpressionAttributeValues"] = values
        return self.accepted("put_item", TableName=self.name, Item=item, **request)

    def delete(self, pk: str, sk: str, **request: Any) -> bool:
        """Remove an item, if its condition (if any) holds; says whether it did."""
        return self.accepted("delete_item", TableName=self.name, Key=key(pk, sk), **request)

    def query(
        self, pk: str, *, between: tuple[str, str] | None = None, **request: Any
    ) -> Iterator[Item]:
        """The items of a partition in order, page by page; `between` bounds the sort key."""
        condition = "pk = :pk"
        values = {":pk": text(pk)} | request.pop("ExpressionAttributeValues", {})
        if between:
            condition += " AND sk BETWEEN :first AND :last"
            values |= {":first": text(between[0]), ":last": text(between[1])}
        return self._pages(
            KeyConditionExpression=condition, ExpressionAttributeValues=values, **request
        )

    def lookup(
        self, value: str, *, between: tuple[int, int] | None = None, **request: Any
    ) -> Iterator[Item]:
        """Keys by the `lookup` index: a session's facts, an anonymous question's, a shard's
        summaries. `between` bounds `askedAt`."""
        condition = "lookup = :lookup"
        values = {":lookup": text(value)}
        if between:
            condition += " AND askedAt BETWEEN :first AND :last"
            values |= {":first": number(between[0]), ":last": number(between[1])}
        return self._pages(
            IndexName=LOOKUP_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **request,
        )

    def scan(self, **request: Any) -> Iterator[Item]:
        """The items of the whole table that a filter lets through, page by page."""
        return self._pages("scan", **request)

    def _pages(self, operation: str = "query", **request: Any) -> Iterator[Item]:
        limit = request.get("Limit")
        while True:
            answer = self.call(operation, **request)
            yield from answer["Items"]
            if limit or "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def batch_get(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        """Those of the items that exist, by key; 100 a call, unprocessed ones asked again."""
        wanted = [key(pk, sk) for pk, sk in dict.fromkeys(keys)]
        items: dict[tuple[str, str], Item] = {}
        while wanted:
            chunk, wanted = wanted[:BATCH_GET_LIMIT], wanted[BATCH_GET_LIMIT:]
            with translated():
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": chunk, "ConsistentRead": True}}
                )
            for item in answer["Responses"].get(self.name, []):
                items[string(item, "pk"), string(item, "sk")] = item
            wanted += answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        return items

    def batch_delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove items, 25 a call, unprocessed ones again."""
        left = [{"DeleteRequest": {"Key": key(pk, sk)}} for pk, sk in dict.fromkeys(keys)]
        while left:
            chunk, left = left[:BATCH_WRITE_LIMIT], left[BATCH_WRITE_LIMIT:]
            with translated():
                answer = self.client.batch_write_item(RequestItems={self.name: chunk})
            left += answer.get("UnprocessedItems", {}).get(self.name, [])
