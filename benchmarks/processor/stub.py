"""An AWS that answers at once and costs next to nothing, so that what is measured is the client.

Answers are given at botocore's `before-send`: serialising, signing, parsing and retry logic are the
real ones; only the socket is missing.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from botocore.awsrequest import AWSResponse


class _Raw:
    """What urllib3 would hand over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self.body


@dataclass
class Stub:
    """Counts calls, keeps their parameters, answers each after `latency` seconds."""

    latency: float = 0.0
    keep: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    made: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _lock: Any = field(default_factory=Lock)

    def on_build(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """A call begins."""
        with self._lock:
            self.counts[model.name] += 1
            if self.keep:
                self.made.append((model.service_model.service_name, model.name, dict(params)))

    def on_send(self, request: Any, **_: Any) -> AWSResponse:
        """Answer instead of the network."""
        if self.latency:
            time.sleep(self.latency)
        target = request.headers.get("X-Amz-Target", b"")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        body = json.dumps(answer_to(operation, request.body)).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        # botocore takes any mapping and copies it; its stubs know of one kind alone.
        return AWSResponse(request.url, 200, headers, _Raw(body))  # type: ignore[arg-type]  # wants urllib3's


def answer_to(operation: str, body: Any) -> dict[str, Any]:
    """The smallest answer that the SDK takes for a success."""
    if operation == "SendMessageBatch":
        entries = json.loads(body)["Entries"]
        return {
            "Successful": [
                {"Id": each["Id"], "MessageId": each["Id"], "MD5OfMessageBody": ""}
                for each in entries
            ],
            "Failed": [],
        }
    if operation == "PutEvents":
        entries = json.loads(body)["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in entries]}
    if operation == "BatchGetItem":
        return {"Responses": {}, "UnprocessedKeys": {}}
    if operation == "Query":
        return {"Items": [], "Count": 0, "ScannedCount": 0}
    return {}


@contextmanager
def stubbed(stub: Stub, *clients: Any) -> Iterator[Stub]:
    """These clients talk to the stub."""
    for client in clients:
        events = client.meta.events
        events.register_first("before-parameter-build", stub.on_build)
        events.register_first("before-send", stub.on_send)
    try:
        yield stub
    finally:
        for client in clients:
            client.meta.events.unregister("before-parameter-build", stub.on_build)
            client.meta.events.unregister("before-send", stub.on_send)
