"""An AWS that answers at once, so that what is measured is the client's own work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse


class Raw:
    """What urllib3 would hand over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self.body


class Stub:
    """Counts calls and answers them; `answers` overrides an operation's answer."""

    def __init__(self, answers: dict[str, dict[str, Any]] | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.answers = {"BatchGetItem": {"Responses": {}}, "Query": {"Items": []}} | (answers or {})

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer instead of the network (botocore's `before-send`)."""
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        operation = target.rpartition(".")[2] or request.url.rpartition("/")[2]
        self.calls[operation] += 1
        body = json.dumps(self.answers.get(operation, {})).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        return AWSResponse(request.url, 200, headers, Raw(body))
