"""Run a phase: plan, do, validate, back, validate, do, validate, evidence.

Each step forward and back happens while questions come and functions are killed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final

from migration.kit.faults import KILLS_EACH, killing
from migration.phases import p0, p1, p2
from migration.phases.checks import Check
from migration.phases.context import Context, StateError
from tools.build.progress import Steps

PHASES: Final[tuple[ModuleType, ...]] = (p0, p1, p2)
"""Those that exist. Each has NUMBER, TITLE, plan, do, back and checks."""
KILLING_SECONDS: Final = 30.0


class InvariantError(RuntimeError):
    """A check of a phase did not hold."""


def run(context: Context, number: int, steps: Steps) -> list[tuple[str, Check]]:
    """One phase with its rollback; returns its evidence. Raises `InvariantError`."""
    phase = _phase(number)
    _require(context, number)
    for line in phase.plan(context):
        steps.say(f"  plan: {line}")
    evidence = []
    for way, step in (("do", phase.do), ("back", phase.back), ("do again", phase.do)):
        _disturbed(context, f"phase {number}, {way}", step, steps)
        evidence += [(way, check) for check in _validated(context, phase, way, steps)]
    context.keep(f"evidence-{number}", [(way, check.name, check.value) for way, check in evidence])
    return evidence


def back(context: Context, steps: Steps) -> None:
    """From the present state to the one before, and stay there. Raises `StateError`."""
    state = context.state
    if state == 0:
        raise StateError("this is the system before; there is nothing to go back to")
    phase = _phase(math.ceil(state))
    _disturbed(context, f"phase {phase.NUMBER}, back", phase.back, steps)
    list(_validated(context, phase, "back", steps))


def check(context: Context) -> list[Check]:
    """All invariants of the present state; the last phase knows both of its sides."""
    phase = PHASES[-1] if context.state >= 1 else PHASES[0]
    return list(phase.checks(context))


def _phase(number: int) -> ModuleType:
    if not 0 <= number < len(PHASES):
        there = ", ".join(str(phase.NUMBER) for phase in PHASES)
        raise StateError(f"there is no phase {number}; there are {there}")
    return PHASES[number]


def _require(context: Context, number: int) -> None:
    """A phase starts from the state before it; one that was interrupted goes on."""
    state, wanted = context.state, max(number - 1, 0)
    if not wanted <= state < max(number, 1):
        raise StateError(f"phase {number} starts from state {wanted}; the system is in {state:g}")


def _disturbed(
    context: Context, name: str, step: Callable[[Context], list[str]], steps: Steps
) -> None:
    """The step, while every function is killed again and again."""
    with steps.step(name) as shown, killing(context.emulator_pid) as killed:
        started = time.monotonic()
        lines = step(context)
        took = time.monotonic() - started
        _until_killed_enough(killed)
        shown.note(f"{took:.1f} s of it the step itself; {killed.total()} kills")
    for line in lines:
        steps.say(f"  {line}")


def _until_killed_enough(killed: Counter[str]) -> None:
    """Until each function that runs was killed a few times, or for so long that it is idle."""
    deadline = time.monotonic() + KILLING_SECONDS
    while time.monotonic() < deadline and (not killed or min(killed.values()) < KILLS_EACH):
        time.sleep(0.2)


def _validated(context: Context, phase: ModuleType, way: str, steps: Steps) -> Iterator[Check]:
    with steps.step(f"phase {phase.NUMBER}, {way}: validate") as shown:
        found: list[Check] = list(phase.checks(context))
        wrong = [one for one in found if not one.holds]
        shown.note(f"{len(found) - len(wrong)} of {len(found)} checks hold")
    if wrong:
        raise InvariantError("; ".join(f"{one.name}: {one.value}" for one in wrong))
    return iter(found)
