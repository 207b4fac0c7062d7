"""Negative controls: the usual wrong step in place of the right one, and the check that detects it.

Each starts in the state that it names under the same questions as the phases, and ends there:
afterwards the right tools heal what the wrong one did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cv_processor.application.values import Deadline
from cv_processor.bootstrap import Services
from cv_processor.domain.correlation import Correlation
from cv_processor.settings import Settings

from migration.before.names import INGEST_QUEUE, OWN_TABLE, PREFIX, SHARED_TABLE
from migration.kit import checks, rows
from migration.kit.changes import Counts, Limits
from migration.kit.faults import denied
from migration.kit.traffic import SETTLED_SECONDS, WHOLE_SECONDS
from migration.kit.wrong import blind_backfill
from migration.phases import p4, rehearsal
from migration.phases.checks import (
    SECOND_MAILS,
    Check,
    facts,
    mailed_twice,
    settled_now,
    until,
)
from migration.phases.context import Context, StateError
from migration.phases.p2 import READER, mailed_again, verified
from migration.phases.stack_templates import (
    DUAL,
    INGEST,
    MIGRATION,
    PROCESSOR,
    REPORTER,
    Templates,
)
from tools.emulator.watch import waiting
from tools.observe.evidence import lines_of

DENIED_SECONDS: Final = 12.0
"""Longer than a question waits for its answer: what comes late to a table has no deadline left."""
READ_BEFORE_SECONDS: Final = 4.0
RELAY_LOG: Final = f"/aws/lambda/{PREFIX}-processor-relay"
UNDER_WAY_SECONDS: Final = SETTLED_SECONDS - WHOLE_SECONDS
"""So long may an event of a settled question be under way when a table is asked once."""
LATE_SECONDS: Final = 15.0
"""An event that is so long under way is lost."""


def fire_and_forget(context: Context) -> Check:
    """The second write's failure is ignored, and its table is denied for some seconds."""
    return _wrong_ingest(context, "fire_and_forget", repeated=False)


def muted_deadlines(context: Context) -> Check:
    """The second run sends no deadlines, and its table is denied for some seconds."""
    return _wrong_ingest(context, "muted_deadlines", repeated=True)


def _wrong_ingest(context: Context, wrong: str, *, repeated: bool) -> Check:
    """`repeated` says whether a refused write comes again."""
    templates, stacks = Templates(context), context.stacks
    handlers = {**DUAL, INGEST: f"cv_pragmatic.wrong.{wrong}"}
    stacks.reach(PROCESSOR, templates.dual(handlers), Counts(modify=1))
    try:
        arn = context.table_arn(OWN_TABLE)
        began = _now_ms()
        with denied(context.account.client("iam"), INGEST, arn):
            time.sleep(DENIED_SECONDS)
            until(lambda: bool(_given_up_in_one(context, began)))
            late = _given_up_in_one(context, began)
        until(lambda: waiting(context.account, INGEST_QUEUE) < 10)
        if repeated:
            until(lambda: late <= _rows(context, OWN_TABLE).keys())
        return _questions(context, OWN_TABLE)
    finally:
        stacks.reach(PROCESSOR, templates.dual(), Counts(modify=1))


def _given_up_in_one(context: Context, since_ms: int) -> set[str]:
    """Questions that were asked since then, had their deadline, and reached one table alone."""
    shared, own = (_rows(context, table) for table in (SHARED_TABLE, OWN_TABLE))
    absent = (_asked_since(context, since_ms) & shared.keys()) - own.keys()
    return {id_ for id_ in absent if shared[id_].closed and shared[id_].response is None}


def _rows(context: Context, table: str) -> Mapping[str, Correlation]:
    return rows.correlations(context.account.client("dynamodb"), table)


def _asked_since(context: Context, since_ms: int) -> set[str]:
    """The questions of which the first event was sent since then."""
    entries = context.journal.entries()
    before, since = (
        {entry.event["requestId"] for entry in entries if (entry.at >= since_ms) is late}
        for late in (False, True)
    )
    return since - before


def _now_ms() -> int:
    return int(time.time() * 1_000)


def blind(context: Context) -> Check:
    """Rows are put as they were read some seconds before."""
    dynamodb = context.account.client("dynamodb")
    read = list(rows.everything(dynamodb, SHARED_TABLE).values())
    time.sleep(READ_BEFORE_SECONDS)
    blind_backfill(dynamodb, OWN_TABLE, read)
    return _questions(context, OWN_TABLE)


def code_only(context: Context) -> Check:
    """The code of before the cut-over comes back, and the rows written since do not."""
    templates, stacks = Templates(context), context.stacks
    # of a role that names another table of its stack, the embedded AWS counts no change
    stacks.reach(PROCESSOR, templates.expanded, Limits())
    stacks.reach(REPORTER, templates.reading(SHARED_TABLE), READER)
    try:
        return _questions(context, SHARED_TABLE)
    finally:
        stacks.reach(PROCESSOR, templates.dual(), Counts(modify=4))
        verified(context)
        _send_deadlines(context)


def _send_deadlines(context: Context) -> None:
    """A deadline came to handlers that did not know its question: each open one gets another."""
    client = context.account.client
    services = Services(Settings.read(context.variables(INGEST)), client)
    open_ = [
        Deadline(row.request_id, row.query.at, row.query.at)
        for row in rows.correlations(client("dynamodb"), SHARED_TABLE).values()
        if row.query is not None and not row.closed
    ]
    if services.deadlines.schedule(open_):
        raise StateError("a deadline could not be sent: repeat the command")


def lock_left_behind(context: Context) -> Check:
    """The report gets its own table while the ledger of its mails stays in the old one."""
    templates, stacks = Templates(context), context.stacks
    stacks.reach(REPORTER, templates.apart(), Limits())
    twice = mailed_twice(context)
    try:
        return mailed_again(context)
    finally:
        caused = context.kept(SECOND_MAILS) if context.has_kept(SECOND_MAILS) else 0
        context.keep(SECOND_MAILS, caused + mailed_twice(context) - twice)
        stacks.reach(REPORTER, templates.reading_facts(), Limits())


def relay_before_links(context: Context) -> Check:
    """Events begin and the replica ends, before anybody listens to the bus."""
    templates, stacks = Templates(context), context.stacks
    p4.start_relay(context)
    stacks.reach(MIGRATION, templates.scaffold(shared=True, roles=True), Counts(remove=4))
    try:
        began = _now_ms()
        until(lambda: _published(context, began))
        p4.link(context)
        return facts(context, LATE_SECONDS)
    finally:
        p4.unlink(context)
        p4.stop_relay(context)
        p4.restart_replica(context)


def _published(context: Context, since_ms: int) -> bool:
    """Whether the relay has published a question that was asked since then and is settled."""
    asked = _asked_since(context, since_ms) & settled_now(context)
    lines = lines_of(context.account, RELAY_LOG, "requests", since_ms)
    return any(not asked.isdisjoint(line.fields.get("requests", ())) for line in lines)


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
    "code-only-rollback": Control(1, "replica", code_only),
    "lock-left-behind": Control(1, "lock moves", lock_left_behind),
    "relay-before-links": Control(3, "links", relay_before_links),
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
    account = checks.now(
        context.journal, lambda: rows.correlations(dynamodb, table), UNDER_WAY_SECONDS
    )
    return Check("questions", str(account), account.holds)
