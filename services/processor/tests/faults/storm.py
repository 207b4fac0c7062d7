"""Thousands of events with every fault switched on: nothing is lost, and the end is the same.

Run as a program with the number of events: `python -m tests.faults.storm 10000`.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Any

from jsonpath_ng import ext
from moto.sqs.models import Queue

from cv_processor.domain.correlation import Correlation
from cv_processor.entrypoints import expire, ingest, relay
from tests.component.world import World, sqs_event
from tests.events import query, response
from tests.faults.faults import FAULTS, Crash, Faults, injected

MAX_RECEIVES = 5
BATCH = 10


class Weather(Faults):
    """Each call may meet any fault; each thread has a state of its own."""

    def __init__(self, seed: int, probability: float) -> None:
        super().__init__()
        self.local = threading.local()
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.probability = probability
        self.met = 0

    def on_build(self, params: dict[str, Any], model: Any, **others: Any) -> None:
        """A call begins: the dice are thrown."""
        with self.lock:
            hit = self.random.random() < self.probability
            kind = self.random.choice(FAULTS)
            self.met += hit
        self.local.faults = Faults(at=0 if hit else None, kind=kind)
        self.local.faults.on_build(params=params, model=model)

    def on_call(self, model: Any, **others: Any) -> Any:
        """As the thread's own."""
        return self.local.faults.on_call(model=model)

    def on_send(self, **others: Any) -> None:
        """As the thread's own."""
        self.local.faults.on_send()

    def on_response(self, **others: Any) -> None:
        """As the thread's own."""
        self.local.faults.on_response()

    def on_retry(self, attempts: int, **others: Any) -> int | None:
        """As the thread's own."""
        faults: Faults = self.local.faults
        return faults.on_retry(attempts=attempts)

    def on_answer(self, parsed: dict[str, Any], **others: Any) -> None:
        """As the thread's own."""
        self.local.faults.on_answer(parsed=parsed)


@dataclass
class Storm:
    """Delivers with retries and a DLQ, as the queues do."""

    world: World
    dead: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def run(self, bodies: Sequence[str], seed: int, probability: float) -> int:
        """Everything in, deadlines, events out; returns how many faults were met."""
        weather = Weather(seed, probability)
        with injected(weather):
            self.deliver(ingest.handler, bodies)
            self.relay()
            self.deliver(expire.handler, [each.body for each in self.world.messages("DEADLINE")])
            self.relay()
        return weather.met

    def deliver(self, handler: Any, bodies: Sequence[str]) -> None:
        """At least once, five times at most, then into the DLQ; a message keeps its id."""
        queue = deque((body, number, 1) for body, number in zip(bodies, self.numbers, strict=False))
        while queue:
            batch = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
            failed = self._failed(handler, {number: body for body, number, _ in batch})
            for body, number, receives in batch:
                if number in failed and receives < MAX_RECEIVES:
                    queue.append((body, number, receives + 1))
                elif number in failed:
                    self.dead.append(body)

    def _failed(self, handler: Any, messages: Mapping[int, str]) -> Collection[int]:
        event = sqs_event(list(messages.values()), iter(messages))
        try:
            answer = handler(event, None)
        except (Crash, Exception):  # noqa: BLE001 - Lambda delivers again, whatever it was
            return messages
        ids = (each["itemIdentifier"] for each in answer["batchItemFailures"])
        return {int(each.removeprefix("m-")) for each in ids}

    def relay(self) -> None:
        """Read on, again from the first record that failed, until the stream is drained."""
        while records := self.world.changes(self.world.streamed, self.world.streamed + 100):
            self.world.streamed += _published(records)


def _published(records: Sequence[dict[str, Any]]) -> int:
    """How many records, from the first on, need not come again."""
    try:
        answer = relay.handler({"Records": records}, None)
    except (Crash, Exception):  # noqa: BLE001 - Lambda delivers again, whatever it was
        return 0
    failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return min((numbers.index(each) for each in failed), default=len(records))


def events(number: int, seed: int) -> list[str]:
    """Pairs, unanswered questions, orphans, repeats, conflicts and garbage, shuffled."""
    return list(_events(number, random.Random(seed)))


def _events(number: int, dice: random.Random) -> Iterator[str]:
    made: list[str] = []
    while len(made) < number:
        request_id = f"q-{len(made)}"
        halves = [query(request_id), response(request_id)]
        halves = dice.choices([halves, halves[:1], halves[1:]], weights=[8, 1, 1])[0]
        if dice.random() < 0.1:
            halves = [*halves, dice.choice(halves)]
        if dice.random() < 0.05:
            halves = [*halves, halves[-1] | {"timestamp": halves[-1]["timestamp"] + 77}]
        made += map(json.dumps, halves)
        if dice.random() < 0.02:
            made.append(f"garbage {len(made)}")
    made = made[:number]
    dice.shuffle(made)
    yield from made


def settled(correlations: dict[str, Correlation]) -> dict[str, Correlation]:
    """What must be equal: all but whether a late answer was given up for a while."""
    return {
        key: replace(each, gave_up_after=None if each.response else each.gave_up_after)
        for key, each in correlations.items()
    }


def compare(world: World, number: int, *, seed: int = 7, probability: float = 0.1) -> list[str]:
    """What is wrong after the storm, compared with a calm day."""
    bodies = events(number, seed)
    Storm(world).run(bodies, seed, 0.0)
    calm, calm_conflicts = settled(world.correlations()), world.conflicts()
    world.clear()
    storm = Storm(world)
    met = storm.run(bodies, seed, probability)
    storm.deliver(ingest.handler, storm.dead)  # the operator's redrive
    storm.deliver(expire.handler, [each.body for each in world.messages("DEADLINE")])
    storm.relay()
    return list(_differences(world, bodies, calm, calm_conflicts, met))


def _differences(
    world: World, bodies: Sequence[str], calm: dict[str, Correlation], conflicts: set[str], met: int
) -> Iterator[str]:
    found = world.correlations()
    if settled(found) != calm:
        yield "the correlations differ from a calm day's"
    if world.conflicts() != conflicts:
        yield "the parked halves differ from a calm day's"
    garbage = {body for body in bodies if body.startswith("garbage")}
    if garbage != {each.body for each in world.messages("INGEST_DLQ")} & garbage:
        yield "garbage is missing in the DLQ"
    newest: dict[str, int] = {}
    for event in world.published():
        data = event["data"]
        newest[data["requestId"]] = max(newest.get(data["requestId"], 0), data["revision"])
    if newest != {key: each.revision for key, each in found.items() if each.closed}:
        yield "what is published is not what is stored"
    if met == 0:
        yield "no fault was met"


def _without_quadratic_work() -> None:
    """moto counts a queue's messages at every send, and parses a target's eight paths per event."""
    Queue.BASE_ATTRIBUTES = [
        name for name in Queue.BASE_ATTRIBUTES if not name.startswith("ApproximateNumber")
    ]
    vars(ext)["parse"] = cache(vars(ext)["parse"])


if __name__ == "__main__":
    import os

    from moto import mock_aws

    from tests.component.world import create_resources, environment

    _without_quadratic_work()
    # As a container that keeps its list of erased sessions: here nobody erases one.
    os.environ.update(environment() | {"SETTLE_SECONDS": "60"})
    with mock_aws(), contextlib.redirect_stdout(io.StringIO()):
        create_resources()
        problems = compare(World(), int(sys.argv[1]))
    sys.stdout.write("\n".join(problems or ["nothing lost, nothing doubled, the same end"]) + "\n")
    sys.exit(bool(problems))
