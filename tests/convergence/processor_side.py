"""The Processor, run in its own environment: its handlers, and its API on a local port."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from typing import Any

import uvicorn
from channel import serve
from cv_processor.adapters.aws import client
from cv_processor.adapters.sqs import SqsErasures
from cv_processor.application.erasure import request_erasure
from cv_processor.application.republish import Republication
from cv_processor.bootstrap import services
from cv_processor.domain.erasure import Question, Session
from cv_processor.entrypoints import erase, expire, ingest, relay
from cv_processor.entrypoints.api import create_app
from moto import mock_aws

from tests.component.world import (
    BUS,
    World,
    create_resources,
    environment,
    queue_url,
    sqs_event,
)
from tests.faults.faults import Crash, Faults, injected

Fault = Sequence[Any] | None
NOW = 1_763_337_600_000
READY_WITHIN_SECONDS = 20.0


class ProcessorSide:
    """What a test may do with the Processor. A fault is `[number of the call, kind]`."""

    def __init__(self) -> None:
        self.world = World()
        self.taken = 0
        self.port = _serve_api()

    def operations(self) -> dict[str, Callable[..., Any]]:
        """By the names that a test uses."""
        names = ("reset", "address", "ingest", "expire", "relay", "request_erasure")
        names += ("erasures", "note_erased", "republish", "state")
        return {name: getattr(self, name) for name in names}

    def reset(self) -> None:
        """As after the first deployment."""
        self.world.clear()
        self.taken = 0

    def address(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.port}"

    def ingest(self, bodies: Sequence[str], fault: Fault = None) -> list[int]:
        """A batch of the input queue; the places of those that come again."""
        return _deliver(ingest.handler, bodies, fault)

    def expire(self, fault: Fault = None) -> list[int]:
        """All deadlines end."""
        return _deliver(expire.handler, self._bodies("DEADLINE"), fault)

    def request_erasure(self, session: str = "", question: str = "") -> str:
        """As the API does, of a session or of a question."""
        store = services().erasures
        subject = Session(session) if session else Question(question)
        return request_erasure(
            store, SqsErasures(client("sqs"), queue_url("ERASURE")), subject, NOW
        )

    def erasures(self, fault: Fault = None) -> list[int]:
        """The erasure queue, all of it (again)."""
        return _deliver(erase.handler, self._bodies("ERASURE"), fault)

    def note_erased(self, bodies: Sequence[str], fault: Fault = None) -> list[int]:
        """The Reporter says that it erased."""
        return _deliver(erase.handler, bodies, fault)

    def relay(self, fault: Fault = None) -> dict[str, Any]:
        """The stream, from where it was read last; what is new on the bus."""
        records = self.world.changes(self.world.streamed)
        if records:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            failed = _attempt(lambda: relay.handler({"Records": records}, None), fault)
            places = range(len(records)) if failed is None else map(numbers.index, failed)
            self.world.streamed += min(places, default=len(records))
        return {"events": self._published(), "left": len(self.world.changes(self.world.streamed))}

    def republish(self, first: str, last: str) -> list[str]:
        """The operator's command; what is new on the bus."""
        given = services()
        layout = given.layouts.current
        days = map(date.fromisoformat, (first, last))
        done = Republication(given.correlations, given.erasures, given.bus, BUS, layout).days(*days)
        assert not [each for each in done if each.refused]
        return self._published()

    def state(self) -> dict[str, Any]:
        """What is stored, without what depends on the order of arrival."""
        found = self.world.correlations()
        return {
            "closed": {
                key: [each.revision, str(each.outcome)] for key, each in found.items()
                if each.closed
            },
            "open": sorted(key for key, each in found.items() if each.query and not each.closed),
            "orphans": sorted(key for key, each in found.items() if not each.query),
            "conflicts": sorted(self.world.conflicts()),
            "unconfirmed": sum(
                item["sk"]["S"] == "RECEIPT" and item["status"]["S"] != "completed"
                for item in self.world.items()
            ),
        }  # fmt: skip

    def _bodies(self, queue: str) -> list[str]:
        return [message.body for message in self.world.messages(queue)]

    def _published(self) -> list[str]:
        """What the bus delivered since the last look, as its rules' targets get it."""
        bodies = self._bodies("PROBE")
        fresh, self.taken = bodies[self.taken :], len(bodies)
        return fresh


def _deliver(handler: Any, bodies: Sequence[str], fault: Fault) -> list[int]:
    if not bodies:
        return []
    event = sqs_event(bodies, count())
    failed = _attempt(lambda: handler(event, None), fault)
    if failed is None:
        return list(range(len(bodies)))
    return [int(each.removeprefix("m-")) for each in failed]


def _attempt(call: Callable[[], Any], fault: Fault) -> list[str] | None:
    """What failed; `None` = all of it, for the process died or raised."""
    at, kind = fault or (None, "")
    with injected(Faults(at=at, kind=kind)):
        try:
            return [each["itemIdentifier"] for each in call()["batchItemFailures"]]
        except (Crash, Exception):  # noqa: BLE001 (Lambda delivers again, whatever it was)
            return None


def _serve_api() -> int:
    """Start the API on a free port of this machine."""
    config = uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_config=None)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the API did not start")
        time.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    os.environ.update(environment() | {"BUS_NAME": BUS, "POWERTOOLS_METRICS_DISABLED": "true"})
    with mock_aws():
        create_resources()
        serve(ProcessorSide().operations())
