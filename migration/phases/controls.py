"""Negative controls: the usual wrong step in place of the right one, and the check that detects it.

Each starts in state 1 under the same questions as the phases, and ends there: afterwards the right
tools heal what the wrong one did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from migration.before.names import OWN_TABLE, SHARED_TABLE
from migration.kit import checks, rows
from migration.kit.changes import Counts
from migration.kit.faults import denied
from migration.kit.traffic import SETTLED_SECONDS
from migration.kit.wrong import blind_backfill
from migration.phases import p2
from migration.phases.context import Context, StateError

DENIED_SECONDS: Final = 8.0
READ_BEFORE_SECONDS: Final = 4.0


def fire_and_forget(context: Context) -> checks.Account:
    """The second write's failure is ignored, and its table is denied for some seconds."""
    with _dual(context, "fire_and_forget"):
        _denied(context)
        return _settled(context, OWN_TABLE)


def blind(context: Context) -> checks.Account:
    """Rows are put as they were read some seconds before."""
    with _dual(context, None):
        dynamodb = context.account.client("dynamodb")
        read = list(rows.everything(dynamodb, SHARED_TABLE).values())
        time.sleep(READ_BEFORE_SECONDS)
        blind_backfill(dynamodb, OWN_TABLE, read)
        return _settled(context, OWN_TABLE)


CASES: Final[dict[str, Callable[[Context], checks.Account]]] = {
    "fire-and-forget": fire_and_forget,
    "blind-backfill": blind,
}


def run(context: Context, case: str) -> checks.Account:
    """What a wrong step loses. Raises `StateError` for an unknown case, or in another state."""
    if case not in CASES:
        raise StateError(f"there is no case {case!r}; there are {', '.join(CASES)}")
    if context.state != 1:
        raise StateError(f"a control starts from state 1; the system is in {context.state:g}")
    return CASES[case](context)


@contextmanager
def _dual(context: Context, wrong: str | None) -> Iterator[None]:
    """Both tables written and equal, the ingest by a wrong handler if one is named."""
    templates, stacks = p2.Templates(context), context.stacks
    stacks.reach(p2.PROCESSOR, templates.expanded, Counts(add=1))
    try:
        stacks.reach(p2.PROCESSOR, templates.dual(), Counts(modify=4))
        p2.verified(context)
        if wrong is not None:
            handlers = {**p2.DUAL, p2.INGEST: f"cv_pragmatic.wrong.{wrong}"}
            stacks.reach(p2.PROCESSOR, templates.dual(handlers), Counts(modify=1))
        yield
    finally:
        if wrong is not None:
            stacks.reach(p2.PROCESSOR, templates.dual(), Counts(modify=1))
        p2.back(context)


def _denied(context: Context) -> None:
    """The ingest's role may not use the new table for some seconds."""
    table = context.account.client("dynamodb").describe_table(TableName=OWN_TABLE)["Table"]
    with denied(context.account.client("iam"), p2.INGEST, table["TableArn"]):
        time.sleep(DENIED_SECONDS)


def _settled(context: Context, table: str) -> checks.Account:
    """The account of a table when all that was asked so far gets no further event."""
    time.sleep(SETTLED_SECONDS + 1)
    dynamodb = context.account.client("dynamodb")
    return checks.now(context.journal, lambda: rows.correlations(dynamodb, table))
