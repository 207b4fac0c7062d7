"""Phase 2, the Processor's half: its rows move to a table of its own, and the report follows.

Expand, dual write in the queue's consumer, backfill by join, verify, cut over. The way back is the
same with the two tables exchanged: dual write, copy back, verify, then the shared table alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from migration.before.names import OWN_TABLE, REPORT, SHARED_TABLE, WRITERS, stack_name
from migration.kit import rows
from migration.kit.changes import Counts
from migration.kit.copy import Copied, Copy, unequal
from migration.kit.templates import Template
from migration.kit.traffic import of_traffic, settled
from migration.phases import p1
from migration.phases.checks import Check, common
from migration.phases.context import Context, StateError
from migration.phases.tables import configured, granted, replaced, table_of, with_table

NUMBER: Final = 2
TITLE: Final = "the Processor's own table"
PROCESSOR: Final = stack_name("processor")
REPORTER: Final = stack_name("reporter")
INGEST, EXPIRE = WRITERS
TODAYS: Final = {
    INGEST: "cv_processor.entrypoints.ingest.handler",
    EXPIRE: "cv_processor.entrypoints.expire.handler",
}
DUAL: Final = {INGEST: "cv_pragmatic.dual.ingest", EXPIRE: "cv_pragmatic.dual.close"}
# The function and its role; the schedule and its role refer to the function.
READER: Final = Counts(modify=2, possible=2)
VERIFY_SECONDS: Final = 120.0


class CrashError(RuntimeError):
    """The copy was made to stop, to see that a second run goes on."""


@dataclass(frozen=True)
class Templates:
    """Both services' templates in the states of this phase."""

    context: Context

    @cached_property
    def _alone(self) -> Mapping[str, Template]:
        return p1.templates(self.context)

    @cached_property
    def expanded(self) -> Template:
        """The Processor's stack with today's table, which nobody uses."""
        return with_table(self.shared, self.context.today("processor"))

    @property
    def shared(self) -> Template:
        """The Processor's stack of state 1."""
        return self._alone[PROCESSOR]

    def dual(self, handlers: Mapping[str, str] = DUAL) -> Template:
        """Both tables are written."""
        shared, own = self._tables()
        both = granted(self.expanded, _arn(shared), [_arn(shared), _arn(own)])
        return configured(both, handlers, {"TABLES": f"{SHARED_TABLE},{OWN_TABLE}"})

    def own(self) -> Template:
        """Today's handlers on the new table; no function may use the shared one any more."""
        shared, own = self._tables()
        alone = granted(self.expanded, _arn(shared), [_arn(own)])
        return configured(alone, TODAYS, {"TABLE_NAME": {"Ref": own}})

    def reader(self, *, own: bool) -> Template:
        """The Reporter's stack; its report reads the Processor's rows in the new table."""
        template = self._alone[REPORTER]
        if not own:
            return template
        region, account = self.context.account.session.region_name, self.context.account_id
        shared, new = (
            f"arn:aws:dynamodb:{region}:{account}:table/{name}"
            for name in (SHARED_TABLE, OWN_TABLE)
        )
        both = granted(template, shared, [shared, new])
        return configured(both, {REPORT: "cv_pragmatic.report.handler"}, {"ROWS_TABLE": OWN_TABLE})

    def _tables(self) -> tuple[str, str]:
        return table_of(self.expanded, SHARED_TABLE), table_of(self.expanded, OWN_TABLE)


def _arn(logical_id: str) -> object:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def plan(context: Context) -> list[str]:
    """The first change set, and what follows."""
    counts = context.stacks.plan(PROCESSOR, Templates(context).expanded).counts
    return [f"{PROCESSOR}: {counts}, then dual write, backfill, verify, cut over"]


def do(context: Context) -> list[str]:
    """To the Processor's own table."""
    templates, stacks = Templates(context), context.stacks
    lines = []
    if context.state == 1:
        lines.append(f"expand: {stacks.reach(PROCESSOR, templates.expanded, Counts(add=1)).counts}")
    lines.append(
        f"dual write: {stacks.reach(PROCESSOR, templates.dual(), Counts(modify=4)).counts}"
    )
    lines += _backfill(_copy(context))
    lines.append(verified(context))
    reader = stacks.reach(REPORTER, templates.reader(own=True), READER)
    lines.append(f"the report reads the new table: {reader.counts}")
    cut = stacks.reach(PROCESSOR, templates.own(), Counts(modify=4))
    return [*lines, f"cut over: {cut.counts}"]


def back(context: Context) -> list[str]:
    """To the shared table, with what was written since; then the new table goes."""
    templates, stacks = Templates(context), context.stacks
    dual = stacks.reach(PROCESSOR, templates.dual(), Counts(modify=4))
    lines = [f"dual write: {dual.counts}", *_backfill(_copy(context).inverse), verified(context)]
    reader = stacks.reach(REPORTER, templates.reader(own=False), READER)
    lines.append(f"the report reads the shared table: {reader.counts}")
    gone = stacks.reach(PROCESSOR, templates.shared, Counts(modify=4, remove=1))
    return [*lines, f"cut back, the new table goes: {gone.counts}"]


def checks(context: Context) -> Iterator[Check]:
    """The rows are where they belong, and nobody may write the other table."""
    own = context.state == 2
    template = context.stacks.template(PROCESSOR)
    grants = _grants(template, SHARED_TABLE if own else OWN_TABLE)
    yield Check("grants on the other table", str(grants), grants == 0)
    side = Templates(context).own() if own else Templates(context).shared
    counts = context.stacks.plan(PROCESSOR, side).counts
    yield Check(f"{PROCESSOR}, planned anew", str(counts), str(counts) == "no changes")
    yield from common(context, OWN_TABLE if own else SHARED_TABLE)


def _grants(template: Template, name: str) -> int:
    """Policies of the stack's roles that name the table of that name."""
    try:
        known = _arn(table_of(template, name))
    except ValueError:
        return 0
    roles = (one for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role")
    return sum(replaced(role, known, None) != role for role in roles)


def _copy(context: Context) -> Copy:
    return Copy(context.account.client("dynamodb"), SHARED_TABLE, OWN_TABLE)


def _backfill(copy: Copy) -> list[str]:
    """A run that crashes half-way, a second one that goes on, a third that has little to do."""
    half = len(rows.correlations(copy.dynamodb, copy.source)) // 2

    def crash(number: int) -> None:
        if number == half:
            raise CrashError(f"at row {number}")

    lines = []
    try:
        copy.run(crash)
    except CrashError as error:
        lines.append(f"copy {copy.source} → {copy.target}: crashed {error}")
    runs: list[Copied] = [copy.run() for _ in range(2)]
    return [*lines, *(f"copy again: {one.written} written of {one.read}" for one in runs)]


def verified(context: Context) -> str:
    """Join in both directions until every settled row is in both tables, equal.

    Answer and deadline race differently in two tables, so one direction does not heal all.
    Raises `StateError`.
    """
    copy = _copy(context)
    deadline = time.monotonic() + VERIFY_SECONDS
    while time.monotonic() < deadline:
        healed = copy.run().written + copy.inverse.run().written
        ids = settled(context.journal.entries(), int(time.time() * 1_000))
        left, right = (
            of_traffic(rows.correlations(copy.dynamodb, name))
            for name in (copy.source, copy.target)
        )
        compared = left.keys() & right.keys() & ids
        wrong = unequal(left, right) & ids
        if compared and not wrong:
            return f"verified: {len(compared)} settled rows equal; the last join healed {healed}"
        time.sleep(1)
    raise StateError(f"{len(wrong)} rows differ after {VERIFY_SECONDS:.0f} s: {sorted(wrong)[:3]}")
