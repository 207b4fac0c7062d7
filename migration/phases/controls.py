"""Negative controls: the usual wrong step in place of the right one, and the check that detects it.

Each starts in the state that it names under the same questions as the phases, and ends there:
afterwards the right tools heal what the wrong one did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migration.before.names import INGEST_QUEUE, OWN_TABLE, SHARED_TABLE
from migration.kit import checks, rows
from migration.kit.changes import Counts
from migration.kit.faults import denied
from migration.kit.traffic import SETTLED_SECONDS
from migration.kit.wrong import blind_backfill
from migration.phases import rehearsal
from migration.phases.checks import Check, until
from migration.phases.context import Context, StateError
from migration.phases.stack_templates import DUAL, INGEST, PROCESSOR, Templates
from tools.emulator.watch import waiting

DENIED_SECONDS: Final = 12.0
"""Longer than a question waits for its answer: what comes late to a table has no deadline left."""
READ_BEFORE_SECONDS: Final = 4.0


def fire_and_forget(context: Context) -> Check:
    """The second write's failure is ignored, and its table is denied for some seconds."""
    return _wrong_ingest(context, "fire_and_forget")


def muted_deadlines(context: Context) -> Check:
    """The second run sends no deadlines, and its table is denied for some seconds."""
    return _wrong_ingest(context, "muted_deadlines")


def _wrong_ingest(context: Context, wrong: str) -> Check:
    templates, stacks = Templates(context), context.stacks
    handlers = {**DUAL, INGEST: f"cv_pragmatic.wrong.{wrong}"}
    stacks.reach(PROCESSOR, templates.dual(handlers), Counts(modify=1))
    try:
        arn = context.table_arn(OWN_TABLE)
        with denied(context.account.client("iam"), INGEST, arn):
            time.sleep(DENIED_SECONDS)
        until(lambda: waiting(context.account, INGEST_QUEUE) < 10)
        return _questions(context, OWN_TABLE)
    finally:
        stacks.reach(PROCESSOR, templates.dual(), Counts(modify=1))


def blind(context: Context) -> Check:
    """Rows are put as they were read some seconds before."""
    dynamodb = context.account.client("dynamodb")
    read = list(rows.everything(dynamodb, SHARED_TABLE).values())
    time.sleep(READ_BEFORE_SECONDS)
    blind_backfill(dynamodb, OWN_TABLE, read)
    return _questions(context, OWN_TABLE)


@dataclass(frozen=True, slots=True)
class Control:
    """`state` is where it starts; the steps before `step` are done first, and undone at the end."""

    state: int
    step: str
    wrong: Callable[[Context], Check]


CASES: Final[dict[str, Control]] = {
    "fire-and-forget": Control(1, "cut over", fire_and_forget),
    "muted-deadlines": Control(1, "cut over", muted_deadlines),
    "blind-backfill": Control(1, "cut over", blind),
}


def run(context: Context, case: str) -> Check:
    """What a wrong step loses. Raises `StateError` for an unknown case, or in another state."""
    if case not in CASES:
        raise StateError(f"there is no case {case!r}; there are {', '.join(CASES)}")
    control = CASES[case]
    start = rehearsal.ENDS[control.state]
    position = context.position
    if (position.complete, position.touched) != (start, start):
        state = rehearsal.state_of(position)
        raise StateError(f"{case} starts from state {control.state}; the system is in {state:g}")
    names = [step.name for step in rehearsal.STEPS]
    rehearsal.forward(context, names.index(control.step), lambda _: None)
    try:
        return control.wrong(context)
    finally:
        rehearsal.backward(context, start, lambda _: None)


def _questions(context: Context, table: str) -> Check:
    """The account of a table when all that was asked so far gets no further event."""
    time.sleep(SETTLED_SECONDS + 1)
    dynamodb = context.account.client("dynamodb")
    account = checks.now(context.journal, lambda: rows.correlations(dynamodb, table))
    return Check("questions", str(account), account.holds)
