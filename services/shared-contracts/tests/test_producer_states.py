"""The producer's counts add up after any order of events, faults, flushes, closings and forks."""

from __future__ import annotations

import json
import os
import threading
import warnings
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cv_contracts._retry import Backoff
from cv_contracts.producer import Counts, Producer, Reply

DEADLINE = 10.0
ANSWERS = ("accepted", "half", "none", "more", "garbage", "refused", "busy", "broken")


def answered(kind: str, events: list[dict[str, Any]]) -> Reply:
    """An answer of the service to a batch."""
    if kind == "broken":
        raise ConnectionError
    accepted = [{"index": at, "requestId": one["requestId"]} for at, one in enumerate(events)]
    rejected = [{"index": 0, "reason": "matchScore: too large"}]
    bodies: dict[str, tuple[int, Any]] = {
        "accepted": (202, {"accepted": accepted}),
        "half": (202, {"accepted": accepted[1:], "rejected": rejected}),
        "none": (202, {}),
        "more": (202, {"accepted": accepted * 2, "rejected": rejected * 3}),
        "garbage": (202, "nothing"),
        "refused": (422, {"rejected": rejected * len(events)}),
        "busy": (503, {}),
    }
    status, body = bodies[kind]
    return Reply(status, json.dumps(body).encode())


class ProducerStates(RuleBasedStateMachine):
    """One producer, and a service whose answers and pace change."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = "accepted"
        self.open = threading.Event()
        self.open.set()
        self.here = os.getpid()
        self.given = 0
        self.closed = False
        self.producer = Producer(
            self.deliver, capacity=5, backoff=Backoff(attempts=2), wait=lambda _: None
        )

    def deliver(self, body: bytes, /) -> Reply:
        if os.getpid() == self.here:
            self.open.wait(DEADLINE)
        return answered(self.kind, json.loads(body)["events"])

    @rule(number=st.integers(1, 8), query=st.sampled_from(["Go?", "", None, "x" * 5_000]))
    def ask(self, number: int, query: str) -> None:
        for _ in range(number):
            self.producer.asked(request_id=f"r{self.given}", query=query)
            self.given += 1

    @rule(kind=st.sampled_from(ANSWERS))
    def answer_otherwise(self, kind: str) -> None:
        self.kind = kind

    @rule()
    def hold(self) -> None:
        self.open.clear()

    @rule()
    def release(self) -> None:
        self.open.set()

    @rule()
    def flush(self) -> None:
        flushed = self.producer.flush(0.01 if not self.open.is_set() else DEADLINE)
        assert flushed == (self.producer.counts().pending == 0)

    @rule()
    def close(self) -> None:
        self.producer.close(0.01)
        self.closed = True
        assert self.producer.counts().pending == 0

    @rule()
    def fork(self) -> None:
        with warnings.catch_warnings():  # Python 3.12 warns of threads, which are the point here
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os._exit(self.in_the_child())
        assert os.waitpid(child, 0)[1] == 0

    def in_the_child(self) -> int:
        """0 if the child starts from nothing, and counts its own event."""
        try:
            clean = self.producer.counts() == Counts()
            kept = self.producer.asked(request_id="child", query="Go?")
            done = self.producer.flush(DEADLINE)
            total = self.producer.counts().total
        except BaseException:  # noqa: BLE001 (the exit code is all that the parent sees)
            return 2
        return 0 if clean and kept is not self.closed and done and total == 1 else 1

    @invariant()
    def every_event_is_in_one_count(self) -> None:
        counts = self.producer.counts()
        assert counts.total == self.given, counts
        assert counts.dropped + counts.accepted + counts.pending == self.given
        assert min(counts.accepted, counts.rejected, counts.undelivered, counts.pending) >= 0

    def teardown(self) -> None:
        self.open.set()
        self.producer.close(DEADLINE)
        assert self.producer.counts().pending == 0
        assert self.producer.counts().total == self.given


TestProducerStates = ProducerStates.TestCase
TestProducerStates.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
