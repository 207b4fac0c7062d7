"""The sweep over ingest, expire, relay and erase; and five broken variants that it must catch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from cv_processor.adapters.aws import client
from cv_processor.application.values import Refused
from cv_processor.application.wire import publication
from cv_processor.bootstrap import services
from cv_processor.entrypoints import ingest, relay
from tests.component.world import World
from tests.faults.faults import Crash, Faults, faults_of
from tests.faults.pipeline import Flow, Run

if TYPE_CHECKING:
    from cv_processor.application.ports import DeadlineQueue, EventBus

# The calls that each handler makes, and that the sweep therefore breaks. A new call has to be
# entered here, with a flow that reaches it.
COVERED = {
    "ingest": {
        "dynamodb.Query",
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "sqs.SendMessageBatch",
    },
    "expire": {"dynamodb.BatchGetItem", "dynamodb.UpdateItem"},
    "relay": {"events.PutEvents"},
    "erase": {
        "dynamodb.DeleteItem",
        "dynamodb.GetItem",
        "dynamodb.PutItem",
        "dynamodb.Query",
        "dynamodb.TransactWriteItems",
        "dynamodb.UpdateItem",
        "sqs.SendMessage",
    },
}

ORDERS = sorted({"".join(order) for halves in ("qqr", "qrr") for order in permutations(halves)})
FLOWS = [
    *(Flow((order,)) for order in ORDERS),
    *(Flow(tuple(order)) for order in ORDERS),
    *(Flow(tuple(order), expire_early=True) for order in ("qr", "qrr", "qqr")),
    *(Flow(tuple(order)) for order in ("qQr", "Qqr", "rqR", "Rrq")),
    Flow(("qx", "q")),
    Flow(("xq",)),
    Flow(("q", "q"), expire_early=True),
    Flow(("qr", "e")),
    Flow(("q", "e", "r")),
    Flow(("qrR", "e", "q")),
    Flow(("qro", "e")),
    Flow(("q", "o", "e", "q")),
    Flow(("o", "Q", "e")),
    Flow(("qr", "d")),
    Flow(("q", "d", "r")),
    Flow(("qrR", "d", "q", "o")),
    Flow(("qo", "d", "e")),
]


@dataclass
class Sweep:
    """Runs flows in one world, each run with a question of its own."""

    world: World
    number: int = 0

    def run(self, flow: Flow, faults: Faults) -> Run:
        """One run, judged."""
        self.number += 1
        self.world.clear()
        run = Run(self.world, self.number, faults)
        run.play(flow)
        run.problems = [*run.judge(flow), *_uncovered(run)]
        return run

    def problems(self, flows: Iterable[Flow]) -> Iterator[str]:
        """Every call × every fault of these flows; what is wrong, and after which fault."""
        for flow in flows:
            calls = self.run(flow, Faults()).faults.calls
            for at, call in enumerate(calls):
                for kind in faults_of(call):
                    for problem in self.run(flow, Faults(at, kind)).problems:
                        yield f"{flow}: {kind} at {at} ({call}): {problem}"


def _uncovered(run: Run) -> Iterator[str]:
    """What a handler calls that it should not, be it only after a fault."""
    for handler, made in run.by_handler.items():
        for call in sorted(made - COVERED[handler]):
            yield f"{handler} calls {call}, which the sweep does not cover"


@pytest.fixture
def sweep(world: World) -> Sweep:
    return Sweep(world)


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_fault_at_any_call_loses_or_doubles_anything(sweep: Sweep, flow: Flow) -> None:
    assert sweep.run(flow, Faults()).problems == []
    assert list(sweep.problems([flow])) == []


def test_a_call_that_only_a_fault_brings_about_has_to_be_covered_too(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingest.handler

    def handler(event: Any, context: Any) -> Any:
        answer = real(event, context)
        if answer["batchItemFailures"]:
            client("sqs").get_queue_url(QueueName="ingest.fifo")
        return answer

    monkeypatch.setattr(ingest, "handler", handler)
    (problem, *_) = sweep.problems([Flow(("q",))])
    assert "ingest calls sqs.GetQueueUrl" in problem


def test_every_call_of_every_handler_is_covered(sweep: Sweep) -> None:
    made: dict[str, set[str]] = {}
    for flow in FLOWS:
        for handler, calls in sweep.run(flow, Faults()).by_handler.items():
            made.setdefault(handler, set()).update(calls)
    assert made == COVERED


# --- five broken variants ----------------------------------------------------------------------


def acknowledge_before_write(patch: pytest.MonkeyPatch) -> None:
    """Whatever happens in `ingest`, its input is gone."""
    real = ingest.handler

    def handler(event: Any, context: Any) -> Any:
        try:
            return real(event, context)
        except BaseException:  # noqa: BLE001 - the variant's very fault
            return {"batchItemFailures": []}

    patch.setattr(ingest, "handler", handler)


def take_a_refusal_for_a_duplicate(patch: pytest.MonkeyPatch) -> None:
    """A refused condition "means" that the half is there already."""

    @dataclass(frozen=True)
    class Trusting:
        store: Any

        def insert(self, correlation: Any) -> Refused | None:
            self.store.insert(correlation)
            return None

        def answer(self, request_id: str, response: Any) -> Refused | None:
            self.store.answer(request_id, response)
            return None

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

    real = ingest.use_case()
    broken = replace(real, correlations=Trusting(real.correlations))
    patch.setattr(ingest, "use_case", lambda: broken)


def send_the_deadline_after_the_acknowledgement(patch: pytest.MonkeyPatch) -> None:
    """When the deadline's send dies, the input has been acknowledged already."""

    @dataclass(frozen=True)
    class TooLate:
        queue: DeadlineQueue

        def schedule(self, deadlines: Sequence[Any]) -> Sequence[str]:
            with suppress(Crash):
                self.queue.schedule(deadlines)
            return ()

    real = ingest.use_case()
    broken = replace(real, deadlines=TooLate(real.deadlines))
    patch.setattr(ingest, "use_case", lambda: broken)


def ignore_partial_failures_of_put_events(patch: pytest.MonkeyPatch) -> None:
    """200 is taken for: all of it is on the bus."""

    @dataclass(frozen=True)
    class Optimist:
        bus: EventBus

        def publish(self, entries: Sequence[Mapping[str, str]]) -> Mapping[int, str]:
            self.bus.publish(entries)
            return {}

    real = services()
    broken = SimpleNamespace(bus=Optimist(real.bus), settings=real.settings)
    patch.setattr(relay, "services", lambda: broken)


def take_the_event_id_from_a_clock(patch: pytest.MonkeyPatch) -> None:
    """Each publication of the same state is another event."""
    patch.setattr(publication, "event_id", lambda *_: UUID(int=time.monotonic_ns()))


@pytest.mark.parametrize(
    "variant",
    [
        acknowledge_before_write,
        take_a_refusal_for_a_duplicate,
        send_the_deadline_after_the_acknowledgement,
        ignore_partial_failures_of_put_events,
        take_the_event_id_from_a_clock,
    ],
)
def test_the_sweep_catches_a_broken_variant(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, variant: Any
) -> None:
    variant(monkeypatch)
    assert next(_found(sweep), None) is not None


def _found(sweep: Sweep) -> Iterator[str]:
    """The first flows suffice to catch any of them."""
    for flow in (Flow(("q",)), Flow(("q", "r")), Flow(("r", "q"))):
        yield from sweep.run(flow, Faults()).problems
        yield from sweep.problems([flow])
