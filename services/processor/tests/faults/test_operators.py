"""The operators' commands under every fault at every call, then repeated: nothing is lost.

A command that was cut off is repeated by whoever ran it; two may run at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from cv_processor.adapters import dead_letters
from cv_processor.adapters.dead_letters import DeadLetterQueue
from cv_processor.entrypoints import cli
from tests.component.world import ACCOUNT, QUEUES, REGION, World, aws, queue_url
from tests.events import query, response
from tests.faults.faults import Crash, Faults, faults_of, injected

QUESTIONS = ("q-1", "q-2", "q-3")
DAYS = ("--from", "2025-11-02", "--to", "2025-11-04")
REDRIVE = ("dlq", "redrive", "--all", "--yes")
REPUBLISH = ("republish", *DAYS, "--yes")
ERASE = ("erase", "s-1", "--yes")
ERASE_QUESTION = ("erase-question", "q-1", "--yes")
NO_EVENT = "no event"


@pytest.fixture(autouse=True)
def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto answers from all of its servers at once."""
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)


def dead_letters_of(world: World) -> None:
    """Three events of one group and something that is none, in the DLQ."""
    for body in (*(json.dumps(query(name)) for name in QUESTIONS), NO_EVENT):
        aws("sqs").send_message(
            QueueUrl=queue_url("INGEST_DLQ"),
            MessageBody=body,
            MessageGroupId="analytics",
            MessageDeduplicationId=body[-40:]
            if body == NO_EVENT
            else json.loads(body)["requestId"],
        )


def closed_questions(world: World) -> None:
    for name in QUESTIONS:
        world.ingest(query(name), response(name))


def visible_again() -> None:
    """A minute has passed: SQS shows what a killed command had received."""
    queue: Any = sqs_backends[ACCOUNT][REGION].queues[QUEUES["INGEST_DLQ"]]
    for message in queue._messages:
        message.change_visibility(0)
    queue.pending_messages.clear()
    queue.pending_message_groups.clear()


def bodies(world: World, name: str) -> list[str]:
    return sorted(message.body for message in world.messages(name))


def redriven(world: World) -> Iterator[str]:
    """What is wrong once the command has run to its end."""
    expected = sorted([*(json.dumps(query(name)) for name in QUESTIONS), NO_EVENT])
    if bodies(world, "INGEST") != expected:
        yield f"sent back: {bodies(world, 'INGEST')}"
    if world.messages("INGEST_DLQ"):
        yield f"left: {bodies(world, 'INGEST_DLQ')}"


def republished(world: World) -> Iterator[str]:
    published = json.dumps(world.published())
    yield from (f"not published: {name}" for name in QUESTIONS if f'"{name}"' not in published)


def erasure_asked_for(world: World) -> Iterator[str]:
    if not world.messages("ERASURE"):
        yield "nobody erases"
    if not [item for item in world.items() if item["pk"]["S"].startswith("ERASURE")]:
        yield "no erasure to look at"


COMMANDS: dict[str, tuple[Sequence[str], Callable[[World], None], Callable[..., Any]]] = {
    "redrive": (REDRIVE, dead_letters_of, redriven),
    "republish": (REPUBLISH, closed_questions, republished),
    "erase": (ERASE, closed_questions, erasure_asked_for),
    "erase-question": (ERASE_QUESTION, closed_questions, erasure_asked_for),
}


def nowhere(world: World) -> set[str]:
    """What is neither in the DLQ nor on its way: a redrive must never leave such a thing."""
    there = {*bodies(world, "INGEST"), *bodies(world, "INGEST_DLQ")}
    return {*(json.dumps(query(name)) for name in QUESTIONS), NO_EVENT} - there


def run_with(command: Sequence[str], faults: Faults) -> None:
    """A fault may end the command, or make it say that AWS did not do it."""
    with injected(faults):
        try:
            cli.main(command)
        except Crash:
            return


def problems(world: World, name: str) -> Iterator[str]:
    command, prepare, judge = COMMANDS[name]

    def start(faults: Faults) -> Faults:
        world.clear()
        prepare(world)
        run_with(command, faults)
        return faults

    calls = start(Faults()).calls
    yield from judge(world)
    for at, call in enumerate(calls):
        for kind in faults_of(call):
            start(Faults(at, kind))
            lost = nowhere(world) if name == "redrive" else ()
            visible_again()
            if cli.main(command) != 0:
                yield f"{kind} at {at} ({call}): the repetition fails"
            for problem in (*(f"lost: {text}" for text in lost), *judge(world)):
                yield f"{kind} at {at} ({call}): {problem}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_cut_off_at_any_call_and_repeated(world: World, name: str) -> None:
    assert list(problems(world, name)) == []


def test_the_sweep_notices_a_redrive_that_deletes_before_it_sends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def redrive(queue: DeadLetterQueue, letter: Any) -> None:
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
        queue.sqs.send_message(
            QueueUrl=queue.source_url,
            MessageBody=letter.body,
            MessageGroupId=letter.group,
            MessageDeduplicationId=f"redrive-{letter.message_id}",
        )

    monkeypatch.setattr(DeadLetterQueue, "redrive", redrive)
    assert any("lost" in problem for problem in problems(world, "redrive"))


def test_the_sweep_notices_a_redrive_with_one_deduplication_id_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DeadLetterQueue.redrive

    def redrive(queue: DeadLetterQueue, letter: Any) -> None:
        real(queue, replace(letter, message_id="the same"))

    monkeypatch.setattr(DeadLetterQueue, "redrive", redrive)
    assert any("sent back" in problem for problem in problems(world, "redrive"))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_twice_at_the_same_time(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second runs whole between two calls of the first, for every such place."""
    command, prepare, judge = COMMANDS[name]
    prepare(world)
    counted = Faults()
    run_with(command, counted)
    for at in range(len(counted.calls)):
        world.clear()
        prepare(world)
        interrupted = Interrupted(at, command)
        run_with(command, interrupted)
        visible_again()
        assert cli.main(command) == 0
        assert interrupted.codes == [0], at
        assert list(judge(world)) == [], at


class Interrupted(Faults):
    """Lets another run of a command happen before one of the calls."""

    def __init__(self, place: int, command: Sequence[str]) -> None:
        super().__init__()
        self.place, self.command = place, command
        self.codes: list[int] = []

    def on_build(self, params: dict[str, Any], model: Any, **others: Any) -> None:
        """A call begins; the other command's calls come through here, too."""
        super().on_build(params, model, **others)
        if len(self.calls) == self.place + 1 and not self.codes:
            self.codes.append(-1)
            self.codes[:] = [cli.main(self.command)]
