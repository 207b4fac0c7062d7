"""Receipts of erasures, and the tombstones of what was erased.

A receipt (`ERASURE#<id>` / `RECEIPT`):

| attribute | meaning |
|---|---|
| `status` | `requested`; `erased` when this service is done; `completed` when the others are |
| `sessionId` or `requestId` | until the others are done, for they have to be told; then removed |
| `askedAt` | of a single question: every time at which it may have been asked; removed with it |
| `requestedAt`, `erasedAt` | milliseconds |
| `correlations` | how many questions this service erased |
| `removed` | each other service's count |
| `closedDay`, `closedOrder` | `UNCONFIRMED` and `erasedAt`, while `erased`: a list in index `day` |

A tombstone (`TOMBSTONES` / `SESSION#<mark>` or `QUESTION#<mark>`, and one below it for each
question that was there) keeps no id, only marks. It has no end: halves may come late by any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cv_processor.adapters.aws import error_code, pages, translated
from cv_processor.adapters.correlation_store import DAY_INDEX, SESSION_INDEX
from cv_processor.adapters.items import (
    CORRELATION_SORT_KEY,
    UNCONFIRMED,
    from_item,
    load_half,
    load_query,
    number,
    request_id_of,
    request_key,
    to_item,
)
from cv_processor.adapters.receipts import (
    COMPLETED,
    ERASED,
    RECEIPT_PREFIX,
    RECEIPT_SORT_KEY,
    REQUESTED,
    Item,
    erasure_id_of_receipt,
    erasure_of,
    subject_of,
)
from cv_processor.adapters.tombstone_store import TOMBSTONES_KEY, tombstone_key
from cv_processor.application.errors import UnavailableError
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.erasure import (
    Erased,
    Question,
    Receipt,
    Session,
    Subject,
    request_mark,
    shared_mark,
    without_session,
)

OWN_SERVICE = "processor"


@dataclass(frozen=True, slots=True)
class ErasureTable:
    """Erasures in the Processor's table."""

    dynamodb: Any
    name: str
    shards: Callable[[], int]
    """Into how many shards to write: asked before each write, for it may change."""

    def request(self, erasure_id: str, subject: Subject, at: int) -> bool:
        """Put a receipt, unless there is one."""
        kind = "sessionId" if isinstance(subject, Session) else "requestId"
        item = {
            **_receipt_key(erasure_id),
            "status": {"S": REQUESTED},
            kind: {"S": subject.id},
            "requestedAt": number(at),
            "removed": {"M": {}},
        }
        return self._made(
            self.dynamodb.put_item, Item=item, ConditionExpression="attribute_not_exists(pk)"
        )

    def receipt(self, erasure_id: str) -> Receipt | None:
        """A receipt as others see it: without what was erased."""
        item = self._item(erasure_id)
        return _receipt(item) if item else None

    def pending(self, erasure_id: str) -> Subject | None:
        """What an erasure is of that is not done here."""
        item = self._item(erasure_id)
        if item is None or item["status"]["S"] != REQUESTED:
            return None
        return subject_of(item)

    def unconfirmed(self) -> Iterator[Erased]:
        """Erasures that are done here and that no other service has counted, oldest first."""
        keys = {
            "IndexName": DAY_INDEX,
            "KeyConditionExpression": "closedDay = :unconfirmed",
            "ExpressionAttributeValues": {":unconfirmed": {"S": UNCONFIRMED}},
        }
        for key in self._query(**keys):
            item = self._item(erasure_id_of_receipt(key))
            if item and item["status"]["S"] == ERASED:  # the index may be a moment behind
                yield erasure_of(item)

    def entomb(self, subject: Subject) -> None:
        """Put the subject's tombstone."""
        self._mark(subject)

    def requests_of(self, subject: Subject) -> Iterator[str]:
        """The questions that the session index names; a single question if the table has it."""
        if isinstance(subject, Question):
            yield from [subject.id] if any(self._partition(subject.id)) else []
            return
        keys = {
            "IndexName": SESSION_INDEX,
            "KeyConditionExpression": "sessionId = :session",
            "ExpressionAttributeValues": {":session": {"S": subject.id}},
        }
        items = (item for item in self._query(**keys) if item["pk"]["S"].startswith("REQ#"))
        yield from dict.fromkeys(request_id_of(item) for item in items)

    def erase(self, erasure_id: str, subject: Subject, request_id: str) -> None:
        """Put the question's mark, then delete its items: a crash in between counts it once.

        Of a session's erasure stays what other sessions sent under the same id. Raises
        `UnavailableError` when somebody changed the question meanwhile.
        """
        items = list(self._partition(request_id))
        if isinstance(subject, Question):
            self._note_times(erasure_id, items)
            self._mark(subject, request_mark(request_id))
            self._delete(items)
        else:
            self._erase_session(subject, request_id, items)

    def _mark(self, subject: Subject, *marks: str) -> None:
        with translated():
            self.dynamodb.put_item(TableName=self.name, Item=tombstone_key(subject, *marks))

    def _note_times(self, erasure_id: str, items: Iterable[Item]) -> None:
        """Keep when the question was asked: by that, others find what they have of it."""
        queries = [item for item in items if "query" in item]
        times = {str(load_query(item["query"]["S"]).at) for item in queries}
        if times:
            self._made(
                self.dynamodb.update_item,
                Key=_receipt_key(erasure_id),
                UpdateExpression="ADD askedAt :times",
                ConditionExpression="#status = :requested",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":times": {"NS": sorted(times)},
                    ":requested": {"S": REQUESTED},
                },
            )

    def _erase_session(self, session: Session, request_id: str, items: Sequence[Item]) -> None:
        session_id = session.id
        parked = [item for item in items if item["sk"]["S"] != CORRELATION_SORT_KEY]
        standing = next((item for item in items if item not in parked), None)
        seen = from_item(standing) if standing else Correlation(request_id)
        left = without_session(seen, map(load_half, parked), session_id)
        mark = request_mark(request_id) if left is None else shared_mark(request_id)
        self._mark(session, mark)
        if left is None:
            self._delete(items)
        elif left == seen:
            self._delete(item for item in parked if _session_of(item) == session_id)
        else:
            self._delete(item for item in parked if _session_of(item) in {None, session_id})
            self._stand(left, parked, seen)

    def _partition(self, request_id: str) -> Iterator[Item]:
        return self._query(
            KeyConditionExpression="pk = :request",
            ExpressionAttributeValues={":request": {"S": request_key(request_id)}},
            ConsistentRead=True,
        )

    def _delete(self, items: Iterable[Item]) -> None:
        for item in items:
            with translated():
                self.dynamodb.delete_item(TableName=self.name, Key=_key(item))

    def _stand(self, left: Correlation, parked: Iterable[Item], seen: Correlation) -> None:
        """Put halves that were parked in the erased ones' place, all or nothing."""
        halves = {left.query, left.response}
        taken = [item for item in parked if load_half(item) in halves]
        ttl = min(int(item["ttl"]["N"]) for item in taken)
        put = {
            "TableName": self.name,
            "Item": to_item(left, shards=self.shards(), ttl=ttl),
            "ConditionExpression": "version = :seen",
            "ExpressionAttributeValues": {":seen": number(seen.version)},
        }
        deletes = [{"Delete": {"TableName": self.name, "Key": _key(item)}} for item in taken]
        with translated():
            try:
                self.dynamodb.transact_write_items(TransactItems=[{"Put": put}, *deletes])
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                raise UnavailableError("the question changed meanwhile") from error

    def conclude(self, erasure_id: str, subject: Subject, at: int) -> None:
        """Turn the receipt to `erased`, with the count; a second time changes nothing."""
        self._made(
            self.dynamodb.update_item,
            Key=_receipt_key(erasure_id),
            UpdateExpression="SET #status = :erased, erasedAt = :at, correlations = :count,"
            " closedDay = :unconfirmed, closedOrder = :at",
            ConditionExpression="#status = :requested",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":erased": {"S": ERASED},
                ":requested": {"S": REQUESTED},
                ":at": number(at),
                ":unconfirmed": {"S": UNCONFIRMED},
                ":count": number(self._erased(subject)),
            },
        )

    def count(self, erasure_id: str, service: str, removed: int) -> None:
        """Note a service's count; an unknown receipt is none of ours."""
        self._made(
            self.dynamodb.update_item,
            Key=_receipt_key(erasure_id),
            UpdateExpression="SET #status = :done, removed.#service = :count"
            " REMOVE sessionId, requestId, askedAt, closedDay, closedOrder",
            ConditionExpression="#status IN (:erased, :done)",
            ExpressionAttributeNames={"#status": "status", "#service": service},
            ExpressionAttributeValues={
                ":done": {"S": COMPLETED},
                ":erased": {"S": ERASED},
                ":count": number(removed),
            },
        )

    def _item(self, erasure_id: str) -> Item | None:
        with translated():
            answer = self.dynamodb.get_item(
                TableName=self.name, Key=_receipt_key(erasure_id), ConsistentRead=True
            )
        item: Item | None = answer.get("Item")
        return item

    def _erased(self, subject: Subject) -> int:
        """How many of the subject's questions have a mark."""
        prefix = tombstone_key(subject, "")["sk"]
        marks = {
            "KeyConditionExpression": "pk = :tombstones AND begins_with(sk, :subject)",
            "ExpressionAttributeValues": {
                ":tombstones": {"S": TOMBSTONES_KEY},
                ":subject": prefix,
            },
            "ConsistentRead": True,
        }
        return sum(1 for _ in self._query(**marks))

    def _query(self, **parameters: Any) -> Iterator[Item]:
        return pages(self.dynamodb.query, TableName=self.name, **parameters)

    def _made(self, write: Any, **parameters: Any) -> bool:
        """Whether a conditional write was made; a refusal means that it was made before."""
        with translated():
            try:
                write(TableName=self.name, **parameters)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _key(item: Item) -> dict[str, Any]:
    return {"pk": item["pk"], "sk": item["sk"]}


def _session_of(item: Item) -> str | None:
    """The session that a parked half names."""
    return str(item["sessionId"]["S"]) if "sessionId" in item else None


def _receipt(item: Item) -> Receipt:
    counts = {name: int(value["N"]) for name, value in item["removed"]["M"].items()}
    if "correlations" in item:
        counts = {OWN_SERVICE: int(item["correlations"]["N"]), **counts}
    return Receipt(erasure_id_of_receipt(item), int(item["requestedAt"]["N"]), counts)


def _receipt_key(erasure_id: str) -> dict[str, Any]:
    return {"pk": {"S": RECEIPT_PREFIX + erasure_id}, "sk": {"S": RECEIPT_SORT_KEY}}
