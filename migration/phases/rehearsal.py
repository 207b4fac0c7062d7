"""Run a phase: plan, do, validate, back, validate, do, validate, evidence.

Each step forward and back happens while questions come; on the first way forward functions are
killed in the middle of their work.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import accumulate
from types import ModuleType
from typing import Final

from migration.before.names import INGEST_QUEUE
from migration.kit.faults import killing
from migration.phases import p0, p1, p2, p3, p4, p5
from migration.phases.checks import Check
from migration.phases.context import Context, Position, StateError
from migration.phases.steps import Action, Step
from tools.build.progress import Steps

PHASES: Final[tuple[ModuleType, ...]] = (p0, p1, p2, p3, p4, p5)
"""Each has NUMBER, TITLE, plan, STEPS and checks."""
STEPS: Final[tuple[Step, ...]] = tuple(step for phase in PHASES for step in phase.STEPS)
ENDS: Final = tuple(accumulate(len(phase.STEPS) for phase in PHASES))
"""How many steps are complete at the end of each phase."""

Say = Callable[[str], None]


class InvariantError(RuntimeError):
    """A check of a phase did not hold."""


def state_of(position: Position) -> float:
    """The state that a position is; half a state more on the way to the next."""
    if position.complete != position.touched:
        return sum(end <= position.complete for end in ENDS[1:]) + 0.5
    state = sum(end <= position.complete for end in ENDS[1:])
    at_rest = position.complete <= ENDS[0] or position.complete in ENDS
    return state if at_rest else state + 0.5


def forward(context: Context, end: int, say: Say) -> None:
    """Do the steps up to `end`, from wherever an interrupted command stopped."""
    for number in range(context.position.complete, end):
        context.move_to(Position(number, number + 1))
        _reported(STEPS[number].name, STEPS[number].do, context, say)
        context.move_to(Position(number + 1, number + 1))


def backward(context: Context, start: int, say: Say) -> None:
    """Undo the steps down to `start`, the last one first, also one that was never completed."""
    for number in reversed(range(start, context.position.touched)):
        context.move_to(Position(number, number + 1))
        _reported(f"{STEPS[number].name}, undone", STEPS[number].undo, context, say)
        context.move_to(Position(number, number))


def _reported(name: str, action: Action, context: Context, say: Say) -> None:
    """Do something, and say what it did and how long it took."""
    started = time.monotonic()
    for line in action(context):
        say(f"  {name}: {line}")
    say(f"  {name}: {time.monotonic() - started:.1f} s")


def start_of(number: int) -> int:
    """How many steps are complete before a phase."""
    return ENDS[number - 1] if number else 0


def run(context: Context, number: int, steps: Steps) -> list[tuple[str, Check]]:
    """One phase with its rollback; returns its evidence. Raises `InvariantError`."""
    phase = _phase(number)
    _require(context, number)
    if context.position.touched == start_of(number):
        for line in phase.plan(context):
            steps.say(f"  plan: {line}")
    poison(context)
    ways = (("do", True), ("back", False), ("do again", False)) if number else (("do", True),)
    evidence = []
    for way, killed in ways:
        _disturbed(context, number, way, steps, killed=killed)
        state = number - 1 if way == "back" else number
        evidence += [(way, check) for check in _validated(context, number, state, way, steps)]
    context.keep(f"evidence-{number}", [(way, one.name, one.value) for way, one in evidence])
    return evidence


def back(context: Context, steps: Steps) -> None:
    """From the present state to the one before, and stay there. Raises `StateError`."""
    position = context.position
    if position.touched <= ENDS[0]:
        raise StateError("this is the system before; there is nothing to go back to")
    number = next(n for n, end in enumerate(ENDS) if position.touched <= end)
    _disturbed(context, number, "back", steps, killed=False)
    list(_validated(context, number, number - 1, "back", steps))


def check(context: Context) -> list[Check]:
    """All invariants of the present state. Raises `StateError` between two states."""
    state = state_of(context.position)
    if state != int(state):
        raise StateError("the system is between two states: repeat the phase, or `migrate-back`")
    return list(_checks(context, int(state)))


def _checks(context: Context, state: int) -> Iterator[Check]:
    yield from PHASES[state].checks(context, int(time.time() * 1_000))
    if state == 0 and context.has_kept(p1.IDENTITIES):
        yield from p1.checks_before(context)


def _phase(number: int) -> ModuleType:
    if not 0 <= number < len(PHASES):
        there = ", ".join(str(phase.NUMBER) for phase in PHASES)
        raise StateError(f"there is no phase {number}; there are {there}")
    return PHASES[number]


def _require(context: Context, number: int) -> None:
    """A phase starts from the state before it; one that was interrupted goes on."""
    position = context.position
    if not start_of(number) <= position.complete <= position.touched <= ENDS[number]:
        state = state_of(position)
        raise StateError(
            f"phase {number} starts from state {max(number - 1, 0)}; the system is in {state:g}"
        )


def poison(context: Context) -> None:
    """A message that nobody can read: it must become a dead letter, and stop nothing."""
    name = f"poison-{uuid.uuid4().hex}"
    sqs = context.account.client("sqs")
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName=INGEST_QUEUE)["QueueUrl"],
        MessageBody=json.dumps({"eventType": name}),
        MessageGroupId=name,
        MessageDeduplicationId=name,
    )
    with context.poison.open("a", encoding="utf-8") as out:
        out.write(name + "\n")


def _disturbed(context: Context, number: int, way: str, steps: Steps, *, killed: bool) -> None:
    """The steps of one way through a phase, while functions are killed again and again."""
    killed = killed and context.account.is_local  # AWS lets nobody at a function's process
    faults = killing(context.emulator_pid) if killed else nullcontext()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line.strip())
        steps.say(line)

    with steps.step(f"phase {number}, {way}") as shown, faults as counter:
        started = time.monotonic()
        if way == "back":
            backward(context, start_of(number), say)
        else:
            forward(context, ENDS[number], say)
        shown.note(f"{counter.total() if counter else 0} kills")
        context.keep(f"seconds-{number}-{way}", round(time.monotonic() - started, 1))
        context.keep(f"lines-{number}-{way}", lines)
        if counter:
            context.keep(f"kills-{number}-{way}", counter)


def _validated(
    context: Context, number: int, state: int, way: str, steps: Steps
) -> Iterator[Check]:
    with steps.step(f"phase {number}, {way}: validate") as shown:
        started = time.monotonic()
        made: list[Check] = list(_checks(context, state))
        if number == p1.NUMBER:
            made.append(p1.same(context, revisions=True))
        wrong = [one for one in made if not one.holds]
        shown.note(f"{len(made) - len(wrong)} of {len(made)} checks hold")
        context.keep(f"validated-{number}-{way}", round(time.monotonic() - started, 1))
    if wrong:
        raise InvariantError("; ".join(f"{one.name}: {one.value}" for one in wrong))
    return iter(made)
