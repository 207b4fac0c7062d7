"""An AWS that answers at once, so that what is measured is the client's own work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from time import process_time
from typing import Any

from botocore.awsrequest import AWSResponse

Answers = Mapping[str, Mapping[str, Any]]


class Raw:
    """What urllib3 would hand over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self.body


class Stub:
    """Counts calls and answers them; `spent` is its own CPU, in seconds.

    `answers` overrides an operation's answer; a query finds `rows` by its partition, a read of one
    item `items` by its sort key.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        rows: Mapping[str, list[Any]] | None = None,
        items: Mapping[str, Any] | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.spent = 0.0
        self.answers: Answers = {"BatchGetItem": {"Responses": {}}} | dict(answers or {})
        self.rows = rows or {}
        self.items = items or {}

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer instead of the network (botocore's `before-send`)."""
        start = process_time()
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        operation = target.rpartition(".")[2] or request.url.rpartition("/")[2]
        self.calls[operation] += 1
        body = json.dumps(self._said(operation, request.body)).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        self.spent += process_time() - start
        return AWSResponse(request.url, 200, headers, Raw(body))

    def _said(self, operation: str, body: bytes) -> Mapping[str, Any]:
        if operation == "Query":
            return {"Items": self._queried(json.loads(body))}
        if operation == "GetItem":
            found = self.items.get(json.loads(body)["Key"]["sk"]["S"])
            return {"Item": found} if found else {}
        return self.answers.get(operation, {})

    def _queried(self, asked: dict[str, Any]) -> list[Any]:
        """The items between the bounds, if the query has some, as DynamoDB counts them as read."""
        values = asked["ExpressionAttributeValues"]
        wanted = values.get(":pk", values.get(":lookup", {})).get("S", "")
        found = self.rows.get(wanted, [])
        if "S" in values.get(":first", {}):
            first, last = values[":first"]["S"], values[":last"]["S"]
            found = [item for item in found if first <= item["sk"]["S"] <= last]
        found = found[: asked.get("Limit")]
        self.read[wanted] += len(found)
        return found
