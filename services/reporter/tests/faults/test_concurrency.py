"""Reconcile, rebuild, send, erase and traffic: each under every fault, and next to each other.

What goes on at the same time is played by letting one run whole between two calls of the other,
for every such place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any

import pytest
from cv_contracts.digest import day_digest

from cv_reporter.adapters import processor_api
from cv_reporter.adapters.summary_store import DynamoSummaryStore
from cv_reporter.application.ports import Partition, RemoteDay
from cv_reporter.application.summarise import Summariser
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.reading import CompletedReading
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.calendar import utc_day
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.summary import summarise
from cv_reporter.entrypoints import cli, project
from tests.component import world as worlds
from tests.component.world import EMPTY, Snapshot, World, restore, snapshot
from tests.faults.faults import Crash, Fault, Injector, injected
from tests.faults.test_sweep import Driver, messages, state
from tests.sample import chatbot_events, completed, correlations, erased

KNOWN, LOST, STALE, ERASED, LATE = correlations(chatbot_events())[12:17]
NEWER = STALE | {"revision": 2, "outcome": "full", "matchScore": 91}
NOW = 1_763_424_000_000
"""2025-11-18 00:00 UTC, the Tuesday after the week of all these."""
DAY = ("--from", "2025-11-10", "--to", "2025-11-10")
AT = Partition(date(2025, 11, 10), 0)
FAULTS = [fault for fault in Fault if fault is not Fault.PARTIAL]  # no call of a batch


@dataclass(frozen=True)
class RemoteProcessor:
    """The Processor: it knows the newest revision of each question, and erases first."""

    address: Callable[[], str]
    rules: AudienceRules

    def day(self, day: date) -> RemoteDay:
        """As its API counts them."""
        facts = list(self.facts(day))
        digest = day_digest((fact.request_id, fact.revision) for fact in facts)
        return RemoteDay(len(facts), digest)

    def facts(self, day: date) -> Iterator[Fact]:
        """All of a page, whatever happens while it is read."""
        known = [KNOWN, LOST, NEWER, *([] if erasure_began() else [ERASED])]
        for document in known:
            fact = to_fact(reading(document), self.rules)
            if utc_day(fact.asked_at) == day:
                yield fact


def erasure_began() -> bool:
    return any(pk.startswith("ERASED#") for pk, _ in World().items())


def reading(document: dict[str, Any]) -> Any:
    return CompletedReading.model_validate(json.loads(completed(document).to_json())).data


@pytest.fixture
def filled(world: World, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A question is missing here, another is stale."""
    monkeypatch.setattr(processor_api, "ProcessorApi", RemoteProcessor)
    monkeypatch.setattr(Services, "now_ms", lambda _: NOW)
    worlds.forget()
    restore(EMPTY)
    Driver().deliver([messages(*map(completed, (KNOWN, STALE, ERASED)))])
    return snapshot()


def reconcile() -> int:
    return cli.main(["reconcile", *DAY])


def rebuild() -> int:
    return cli.main(["rebuild", *DAY, "--yes"])


def send() -> int:
    return cli.main(["send", "--week", "2025-W46", "--yes"])


def erase() -> int:
    return _projected(erased(ERASED["sessionId"]))


def traffic() -> int:
    return _projected(completed(LATE))


def _projected(event: Any) -> int:
    answer = project.handler({"Records": messages(event)}, None)
    return len(answer["batchItemFailures"])


Operation = Callable[[], int]
OPERATIONS: tuple[Operation, ...] = (reconcile, rebuild, send, erase, traffic)


def ended(world: World, position: int) -> dict[str, Any]:
    """The table once the streams have drained, without the last comparison's own counts."""
    Driver(position, position).pump()
    found = state(world)
    return {at: item for at, item in found.items() if not at.startswith("COMPARISON")}


def problems(world: World, before: Snapshot, operation: Operation) -> Iterator[str]:
    """What is wrong after a fault and a repetition, for every fault at every call."""

    def run(injector: Injector) -> int:
        position = started(before)
        with injected(injector), suppress(Crash):
            operation()
        return position

    clean = Injector()
    expected = ended(world, run(clean))
    for (at, call), fault in product(enumerate(clean.calls), FAULTS):
        position = run(Injector(at, fault))
        place = f"{fault} at {at} ({call})"
        if operation() != 0:
            yield f"{place}: the repetition fails"
        if ended(world, position) != expected:
            yield f"{place}: it ends otherwise"


@pytest.mark.parametrize("operation", [reconcile, rebuild], ids=lambda each: each.__name__)
def test_a_command_that_is_cut_off_at_any_call_and_repeated(
    world: World, filled: Snapshot, operation: Operation
) -> None:
    assert list(problems(world, filled, operation)) == []


def test_reconcile_brings_what_is_missing_and_what_is_newer(world: World, filled: Snapshot) -> None:
    assert reconcile() == 0
    assert revisions(world) == {
        KNOWN["requestId"]: 1,
        LOST["requestId"]: 1,
        STALE["requestId"]: 2,
        ERASED["requestId"]: 1,
    }


def revisions(world: World) -> dict[str, int]:
    """Request id → revision of each fact."""
    rows = world.facts().items()
    return {sk.partition("#")[2]: int(item["revision"]["N"]) for (_, sk), item in rows}


def test_the_sweep_notices_a_reconciliation_that_does_not_recompute(
    world: World, filled: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Driver, "pump", lambda _: None)  # no stream comes to its help
    real = Summariser.refresh

    def refresh(self: Summariser, at: Partition) -> None:
        if not any(LOST["requestId"] in sk for _, sk in world.facts()):
            real(self, at)

    monkeypatch.setattr(Summariser, "refresh", refresh)
    assert reconcile() == 0
    assert stale_summaries() == ["2025-11-10 is not of its facts"]


@dataclass
class Interrupted(Injector):
    """Lets another operation run whole before one of the calls."""

    other: Operation = erase
    codes: list[int] = field(default_factory=list)

    def before_call(self, model: Any, **others: Any) -> Any:
        """A call begins; those of the other operation come through here, too."""
        answer = super().before_call(model, **others)
        if self.at is not None and len(self.calls) == self.at + 1 and not self.codes:
            self.codes.append(-1)
            self.codes[:] = [self.other()]
        return answer


def started(before: Snapshot) -> int:
    """A new process, which remembers no parameter; returns the stream's end."""
    worlds.forget()
    return restore(before)


@pytest.mark.parametrize("other", OPERATIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.__name__)
def test_two_operations_at_the_same_time(
    world: World,
    filled: Snapshot,
    operation: Operation,
    other: Operation,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = Injector()
    position = started(filled)
    with injected(counted):
        operation()
    for at in range(len(counted.calls)):
        started(filled)
        interrupted = Interrupted(at, other=other)
        with injected(interrupted):
            code = operation()
        assert code == 0, at
        assert interrupted.codes == [0] or is_in_doubt(operation, other, capsys), at
        Driver(position, position).pump()
        assert list(wrong(world, {operation, other})) == [], at


def is_in_doubt(operation: Operation, other: Operation, capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether a sender found another one's mail claimed and not yet sent, and says so."""
    printed = capsys.readouterr()
    return operation is other is send and "in doubt 1" in printed.out + printed.err


def wrong(world: World, ran: set[Operation]) -> Iterator[str]:
    """What both together must leave behind, in whatever order their calls were made."""
    compared = bool(ran & {reconcile, send})
    expected = {KNOWN["requestId"]: 1, STALE["requestId"]: 2 if compared else 1}
    expected |= {LOST["requestId"]: 1} if compared else {}
    # the late question is of the erased session
    expected |= {LATE["requestId"]: 1} if traffic in ran and erase not in ran else {}
    expected |= {} if erase in ran else {ERASED["requestId"]: 1}
    if revisions(world) != expected:
        yield f"facts: {revisions(world)}"
    yield from stale_summaries()
    if erase in ran and ERASED["question"] in json.dumps(list(world.items().values())):
        yield "an erased text is left"
    if len(world.sent_mail()) != (send in ran):
        yield f"{len(world.sent_mail())} mails"


def stale_summaries() -> list[str]:
    """Which days' summaries are not what their facts make."""
    given = services()
    days = given.summary_store.between(AT.day, date(2025, 11, 16))
    return [
        f"{at.day} is not of its facts" for at, summary in days.items() if summary != summary_of(at)
    ]


def summary_of(at: Partition) -> Any:
    given = services()
    facts = given.fact_store.of(at)
    return summarise(facts, at.day, given.placement.time_zone, given.policy)


def test_a_summary_that_others_keep_writing_is_left_to_them(
    world: World, filled: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As thousands of facts of one day arrive: each attempt meets a faster writer."""
    real = DynamoSummaryStore.put

    def put(store: DynamoSummaryStore, at: Partition, summary: Any, seen: int) -> bool:
        assert real(store, at, summary_of(at), store.version(at))
        return real(store, at, summary, seen)

    monkeypatch.setattr(DynamoSummaryStore, "put", put)
    assert rebuild() == 0
    assert reconcile() == 0
    monkeypatch.undo()
    assert stale_summaries() == []
