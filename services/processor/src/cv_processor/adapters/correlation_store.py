"""The Processor's table: conditional writes, and the reads of the API and of `expire`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from cv_processor.adapters.aws import error_code, pages, translated
from cv_processor.adapters.items import (
    CONFLICT_PREFIX,
    CORRELATION_SORT_KEY,
    PARKED,
    Item,
    UnreadableItemError,
    correlation_key,
    dump_half,
    from_item,
    layout_key,
    load_half,
    load_query,
    number,
    request_id_of,
    request_key,
    to_item,
)
from cv_processor.application.errors import UnavailableError
from cv_processor.application.values import DayEntry, Move, PlacedQuestion, Refused
from cv_processor.domain.correlation import Correlation, Half, Query, Response
from cv_processor.domain.days import day_key, order_of

DAY_INDEX = "day"
SESSION_INDEX = "session"
_BATCH_GET_LIMIT = 100
_UNPROCESSED_ATTEMPTS = 5
# What a cancelled transaction says of each of its writes.
_DONE, _REFUSED = "None", "ConditionalCheckFailed"

# What the usual order expects to find: the query half and nothing else.
_ONLY_QUERY = Correlation("", query=Query(at=0, text="", digest=""))
_ANSWERED_REVISION = 1


@dataclass(frozen=True, slots=True)
class CorrelationTable:
    """Correlations in DynamoDB. `now` is in seconds since 1970."""

    dynamodb: Any
    name: str
    now: Callable[[], float]
    shards: Callable[[], int]
    """Into how many shards to write: asked before each write, for it may change."""
    retention_days: int = 400

    def insert(self, correlation: Correlation) -> Refused | None:
        """Put a correlation of which nothing was known."""
        return self._put(correlation, condition="attribute_not_exists(pk)")

    def replace(self, correlation: Correlation, *, seen: Correlation) -> Refused | None:
        """Put a correlation over the version that was seen."""
        return self._put(
            correlation,
            condition="version = :seen",
            ExpressionAttributeValues={":seen": number(seen.version)},
        )

    def answer(self, request_id: str, response: Response) -> Refused | None:
        """Close a correlation of which exactly the query is known, without reading it."""
        update = "SET #response = :response, version = :answered"
        values = {
            ":response": {"S": dump_half(response)},
            ":asked": number(_ONLY_QUERY.version),
            ":answered": number(_ONLY_QUERY.version + 1),
        }
        if response.session_id is not None:
            update += ", sessionId = if_not_exists(sessionId, :session)"
            values[":session"] = {"S": response.session_id}
        return self._close(
            request_id,
            update,
            values,
            condition="version = :asked AND attribute_exists(#query)",
            revision=_ANSWERED_REVISION,
            ExpressionAttributeNames={"#response": "response", "#query": "query"},
        )

    def give_up(self, correlation: Correlation, *, seen: Correlation) -> Refused | None:
        """Close a correlation as unanswered, over the version that was seen."""
        values = {
            ":grace": number(correlation.gave_up_after or 0),
            ":seen": number(seen.version),
            ":version": number(correlation.version),
        }
        return self._close(
            correlation.request_id,
            "SET graceMs = :grace, version = :version",
            values,
            condition="version = :seen",
            revision=correlation.revision,
        )

    def park(self, request_id: str, half: Half) -> None:
        """Keep a half that lost a conflict; the same half lands on the same key."""
        item = {
            "pk": {"S": request_key(request_id)},
            "sk": {"S": CONFLICT_PREFIX + half.digest},
            "query" if isinstance(half, Query) else "response": {"S": dump_half(half)},
            "askedOrder": number(order_of(half.at)),
            "closedDay": {"S": PARKED},
            "closedOrder": number(order_of(half.at)),
            "ttl": number(self._ttl()),
        }
        if half.session_id is not None:
            item["sessionId"] = {"S": half.session_id}
        with translated():
            self.dynamodb.put_item(TableName=self.name, Item=item)

    def get(self, request_id: str) -> Correlation | None:
        """One correlation, read consistently."""
        with translated():
            answer = self.dynamodb.get_item(
                TableName=self.name, Key=correlation_key(request_id), ConsistentRead=True
            )
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, request_ids: Collection[str]) -> Mapping[str, Correlation]:
        """The correlations of those ids that exist, read consistently."""
        keys = [correlation_key(request_id) for request_id in request_ids]
        items: list[Item] = []
        for start in range(0, len(keys), _BATCH_GET_LIMIT):
            items += self._batch_get(keys[start : start + _BATCH_GET_LIMIT])
        return {request_id_of(item): from_item(item) for item in items}

    def conflicts(self, request_id: str) -> Sequence[Half]:
        """The halves of a question that lost a conflict."""
        with translated():
            answer = self.dynamodb.query(
                TableName=self.name,
                KeyConditionExpression="pk = :request AND begins_with(sk, :conflict)",
                ExpressionAttributeValues={
                    ":request": {"S": request_key(request_id)},
                    ":conflict": {"S": CONFLICT_PREFIX},
                },
            )
        return [load_half(item) for item in answer["Items"]]

    def day(self, day: date, shard: int) -> Iterator[DayEntry]:
        """All entries of a day's shard, oldest first, from the index's keys alone."""
        return self._day_from(day, shard, 0)

    def day_page(
        self, day: date, shard: int, *, after: tuple[int, str] | None, limit: int
    ) -> Sequence[DayEntry]:
        """Up to `limit` entries of a day's shard that follow `after` (order, request id).

        The index does not say how it sorts entries of the same order, so all of them are read.
        """
        entries: list[DayEntry] = []
        # Two more than the page: the one that it starts behind, and the one that shows its end.
        for entry in self._day_from(day, shard, after[0] if after else 0, Limit=limit + 2):
            if len(entries) >= limit and entry.order > entries[-1].order:
                break
            if after is None or entry > after:
                entries.append(entry)
        return sorted(entries)[:limit]

    def session_page(
        self, session_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> Sequence[DayEntry]:
        """Up to `limit` correlations of a session that follow `after` (order, request id)."""
        start: Item | None = None
        if after is not None:
            start = {
                **correlation_key(after[1]),
                "sessionId": {"S": session_id},
                "askedOrder": number(after[0]),
            }
        while True:
            answer = self._query_session(session_id, start)
            entries = list(_entries(answer["Items"], "askedOrder"))[:limit]
            start = answer.get("LastEvaluatedKey")
            if entries or start is None:  # a page of parked halves alone is not the end
                return entries

    def unclosed(self) -> Iterator[Correlation]:
        """Every correlation that is not closed. Reads the whole table: for operators.

        An index of open questions would cost two write units for each question.
        """
        condition = {
            "TableName": self.name,
            "FilterExpression": "sk = :correlation AND attribute_not_exists(closedDay)",
            "ExpressionAttributeValues": {":correlation": {"S": CORRELATION_SORT_KEY}},
        }
        return map(from_item, pages(self.dynamodb.scan, **condition))

    def placed(self) -> Iterator[PlacedQuestion]:
        """Every question, closed or not, read consistently. Reads the whole table."""
        condition = {
            "TableName": self.name,
            "ConsistentRead": True,
            "FilterExpression": "sk = :correlation AND attribute_exists(askedDay)",
            "ExpressionAttributeValues": {":correlation": {"S": CORRELATION_SORT_KEY}},
        }
        return map(_placed, pages(self.dynamodb.scan, **condition))

    def move(self, moves: Sequence[Move], shards: int) -> int | None:
        """Change where questions stand in the day index, and nothing else: how many it was.

        Left out is what is not as it was seen. `None`, and nothing is changed, if the stored layout
        has another number of shards: a transaction, for whoever moves may have been asleep. The
        revisions stay, so the relay publishes nothing.
        """
        pending = list(moves)
        while pending:
            layout, *questions = self._transact(
                [self._while_in(shards), *map(self._moved, pending)]
            )
            if layout == _REFUSED:
                return None
            if {layout, *questions} == {_DONE}:
                return len(pending)
            if layout != _DONE:
                raise UnavailableError(layout)
            pending = [move for move, code in zip(pending, questions, strict=True) if code == _DONE]
        return 0

    def _while_in(self, shards: int) -> dict[str, Any]:
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": layout_key(),
                "ConditionExpression": "shards = :shards",
                "ExpressionAttributeValues": {":shards": number(shards)},
            }
        }

    def _moved(self, move: Move) -> dict[str, Any]:
        question, asked_day = move
        entry = ", closedDay = :day" if question.closed else ""
        return {
            "Update": {
                "TableName": self.name,
                "Key": correlation_key(question.request_id),
                "UpdateExpression": f"SET askedDay = :day{entry}",
                "ConditionExpression": "askedDay = :there AND version = :seen",
                "ExpressionAttributeValues": {
                    ":day": {"S": asked_day},
                    ":there": {"S": question.asked_day},
                    ":seen": number(question.version),
                },
            }
        }

    def _transact(self, writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """All of them or none; of each the code of what was against it."""
        with translated():
            try:
                self.dynamodb.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                reasons: Any = error.response.get("CancellationReasons", ())
                return [reason["Code"] for reason in reasons]
        return [_DONE] * len(writes)

    def conflicted(self) -> Iterator[tuple[str, str]]:
        """The question and digest of every parked half, oldest first."""
        parked = {
            "TableName": self.name,
            "IndexName": DAY_INDEX,
            "KeyConditionExpression": "closedDay = :parked",
            "ExpressionAttributeValues": {":parked": {"S": PARKED}},
        }
        for item in pages(self.dynamodb.query, **parked):
            yield request_id_of(item), item["sk"]["S"].removeprefix(CONFLICT_PREFIX)

    def _put(self, correlation: Correlation, *, condition: str, **values: Any) -> Refused | None:
        return self._conditionally(
            self.dynamodb.put_item,
            Item=to_item(correlation, shards=self.shards(), ttl=self._ttl()),
            ConditionExpression=condition,
            **values,
        )

    def _close(
        self,
        request_id: str,
        update: str,
        values: Mapping[str, Any],
        *,
        condition: str,
        revision: int,
        **names: Any,
    ) -> Refused | None:
        """`askedDay` and `askedOrder` are copied inside the table, so nobody has to know them."""
        entry = "closedDay = askedDay, closedOrder = askedOrder + :revision"
        return self._conditionally(
            self.dynamodb.update_item,
            Key=correlation_key(request_id),
            UpdateExpression=f"{update}, {entry}",
            ConditionExpression=condition,
            ExpressionAttributeValues={**values, ":revision": number(revision)},
            **names,
        )

    def _conditionally(self, write: Callable[..., Any], **parameters: Any) -> Refused | None:
        """A refused condition brings the item that stands there, at no cost."""
        with translated():
            try:
                write(
                    TableName=self.name,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **parameters,
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                item: Any = error.response.get("Item")
                return Refused(from_item(item) if item else None)
        return None

    def _batch_get(self, keys: Sequence[Item]) -> list[Item]:
        """One `BatchGetItem`, and again for the keys that it left over."""
        items: list[Item] = []
        pending: Any = {self.name: {"Keys": keys, "ConsistentRead": True}}
        for _ in range(_UNPROCESSED_ATTEMPTS):
            with translated():
                answer = self.dynamodb.batch_get_item(RequestItems=pending)
            items += answer["Responses"].get(self.name, [])
            pending = answer.get("UnprocessedKeys")
            if not pending:
                return items
        raise UnavailableError("UnprocessedKeys")

    def _day_from(self, day: date, shard: int, order: int, **limit: int) -> Iterator[DayEntry]:
        entries = {
            "TableName": self.name,
            "IndexName": DAY_INDEX,
            "KeyConditionExpression": "closedDay = :day AND closedOrder >= :order",
            "ExpressionAttributeValues": {
                ":day": {"S": day_key(day, shard)},
                ":order": number(order),
            },
        }
        return _entries(pages(self.dynamodb.query, **entries, **limit), "closedOrder")

    def _query_session(self, session_id: str, after: Item | None) -> Mapping[str, Any]:
        """As many keys as a `BatchGetItem` takes: the index has parked halves too."""
        with translated():
            answer: Mapping[str, Any] = self.dynamodb.query(
                TableName=self.name,
                IndexName=SESSION_INDEX,
                KeyConditionExpression="sessionId = :session",
                ExpressionAttributeValues={":session": {"S": session_id}},
                Limit=_BATCH_GET_LIMIT,
                **_start(after),
            )
        return answer

    def _ttl(self) -> int:
        return int(self.now()) + self.retention_days * 86_400


def _start(key: Item | None) -> dict[str, Item]:
    return {"ExclusiveStartKey": key} if key else {}


def _entries(items: Iterable[Item], order: str) -> Iterator[DayEntry]:
    for item in items:
        if item["sk"]["S"] == CORRELATION_SORT_KEY:
            yield DayEntry(int(item[order]["N"]), request_id_of(item))


def _placed(item: Item) -> PlacedQuestion:
    query: Query | None
    try:
        query = load_query(item["query"]["S"])
    except UnreadableItemError:
        query = None
    return PlacedQuestion(
        request_id_of(item),
        item["askedDay"]["S"],
        "closedDay" in item,
        int(item["version"]["N"]),
        query,
    )
