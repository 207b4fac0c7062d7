"""Phase 2: two databases. The Processor's rows move, then the Reporter gets facts of its own.

The Processor's half: expand, dual write in the queue's consumer, backfill by join, cut over. The
Reporter's: a table, a replica of facts from the Processor's stream, the report reads them, and the
rows that it keeps itself move, with the lock of its mails. Then nobody uses the shared table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from cv_processor.adapters.correlation_store import CorrelationTable
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.table import Table
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.summary_document import dumps

from cv_pragmatic.facts import Facts
from cv_pragmatic.replica import fact_of
from cv_pragmatic.rows import Rows
from cv_pragmatic.summaries import MadeSummaries
from migration.before import deploy
from migration.before.deploy import ZONE
from migration.before.names import FACTS_TABLE, OWN_TABLE, REPORT, SHARED_TABLE
from migration.kit import move, rows
from migration.kit.changes import Counts, Limits
from migration.kit.copy import Copied, Copy, move_rows, unequal
from migration.kit.faults import denied
from migration.kit.templates import Template
from migration.kit.traffic import of_traffic, settled
from migration.phases.checks import (
    Check,
    all_facts,
    common,
    facts,
    planned_anew,
    refused,
    until,
)
from migration.phases.context import Context, StateError
from migration.phases.stack_templates import INGEST, MIGRATION, PROCESSOR, REPORTER, Templates
from migration.phases.steps import Step
from migration.phases.tables import table_of, with_properties

NUMBER: Final = 2
TITLE: Final = "two databases"
# A function and its role; the schedule and its role refer to the function.
READER: Final = Counts(modify=2, possible=2)
VERIFY_SECONDS: Final = 300.0
DENIED_SECONDS: Final = 4.0
RETENTION_DAYS: Final = 36_500
"""The Reporter's on the embedded AWS: samples of any age are kept."""


class CrashError(RuntimeError):
    """The copy was made to stop, to see that a second run goes on."""


def plan(context: Context) -> list[str]:
    """The first change set, and what follows."""
    counts = context.stacks.plan(PROCESSOR, Templates(context).expanded).counts
    return [f"{PROCESSOR}: {counts}", *(f"then: {step.name}" for step in STEPS[1:])]


def _reach(context: Context, stack: str, template: Template, declared: Counts | Limits) -> str:
    return f"{stack}: {context.stacks.reach(stack, template, declared).counts}"


# ---- the Processor's half -----------------------------------------------------------------------


def expand(context: Context) -> list[str]:
    """Today's table, which nobody uses."""
    return [_reach(context, PROCESSOR, Templates(context).expanded, Counts(add=1))]


def contract(context: Context) -> list[str]:
    """The new table goes; the shared one has all rows."""
    return [_reach(context, PROCESSOR, Templates(context).shared, Counts(remove=1))]


def write_both(context: Context) -> list[str]:
    """Both tables are written; a message is acknowledged when both have it."""
    lines = [_reach(context, PROCESSOR, Templates(context).dual(), Counts(modify=4))]
    arn = context.table_arn(OWN_TABLE)
    with denied(context.account.client("iam"), INGEST, arn):
        time.sleep(DENIED_SECONDS)
    return [*lines, f"{OWN_TABLE} was denied to {INGEST} for {DENIED_SECONDS:.0f} s"]


def write_shared(context: Context) -> list[str]:
    """The shared table alone is written."""
    return [_reach(context, PROCESSOR, Templates(context).expanded, Counts(modify=4))]


def backfill(context: Context) -> list[str]:
    """Copy by join, crashed half-way and repeated; then both tables are equal."""
    return [*_copied(_copy(context)), verified(context)]


def cut_over(context: Context) -> list[str]:
    """The report reads the new table, then today's handlers write it alone."""
    templates = Templates(context)
    return [
        _reach(context, REPORTER, templates.reading(OWN_TABLE), READER),
        _reach(context, PROCESSOR, templates.own(), Counts(modify=4)),
    ]


def cut_back(context: Context) -> list[str]:
    """Both are written again, what was written since is copied back, the report follows."""
    templates = Templates(context)
    dual = _reach(context, PROCESSOR, templates.dual(), Counts(modify=4))
    back = [*_copied(_copy(context).inverse), verified(context)]
    return [dual, *back, _reach(context, REPORTER, templates.reading(SHARED_TABLE), READER)]


def _copy(context: Context) -> Copy:
    return Copy(context.account.client("dynamodb"), SHARED_TABLE, OWN_TABLE)


def _copied(copy: Copy) -> list[str]:
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


# ---- the Reporter's half ------------------------------------------------------------------------


def replicate(context: Context) -> list[str]:
    """Today's table for the Reporter, and a replica of the Processor's rows in it, as facts.

    History comes first: what the stream has is then known to the replica, and little work.
    """
    templates = Templates(context)
    lines = [_reach(context, REPORTER, templates.with_facts_table(), Counts(add=1))]
    lines.append(history(context))
    made = context.stacks.make(MIGRATION, templates.scaffold(replica=True))
    lines.append(f"{MIGRATION}: {made.counts}")
    return [*lines, followed(context)]


def followed(context: Context) -> str:
    """The replica has made all facts. Raises `StateError`."""
    made = facts(context)
    if not made.holds:
        raise StateError(f"the replica does not follow: {made.value}")
    return f"facts: {made.value}"


def end_replica(context: Context) -> list[str]:
    """The replica goes, and the table that it filled."""
    context.stacks.delete(MIGRATION)
    template = Templates(context).reading(OWN_TABLE)
    return [_reach(context, REPORTER, template, Counts(remove=1))]


def history(context: Context) -> str:
    """The facts of rows that are older than the stream: the replica's function on every row."""
    dynamodb = context.account.client("dynamodb")
    known = {fact.request_id: fact.revision for fact in all_facts(dynamodb)}
    found = rows.correlations(dynamodb, OWN_TABLE).values()
    made = [
        fact
        for row in found
        if (fact := fact_of(row, AudienceRules())) is not None
        and known.get(fact.request_id, 0) < fact.revision
    ]
    errors = [error for error in _fact_store(dynamodb).record(made) if error is not None]
    if errors:
        raise errors[0]
    return f"history: {len(made)} facts of {len(found)} rows"


def _fact_store(dynamodb: Any) -> DynamoFactStore:
    return DynamoFactStore(Table(dynamodb, FACTS_TABLE), Placement(ZONE), RETENTION_DAYS)


def read_facts(context: Context) -> list[str]:
    """The report reads the facts, when they give the same days as the rows."""
    alike = shadow(context)
    if not alike.holds:
        raise StateError(f"{alike.name}: {alike.value}")
    facts_read = Templates(context).reading_facts()
    return [f"{alike.name}: {alike.value}", _reach(context, REPORTER, facts_read, READER)]


def read_rows(context: Context) -> list[str]:
    """The report reads the Processor's rows again."""
    return [_reach(context, REPORTER, Templates(context).with_facts_table(), READER)]


def shadow(context: Context) -> Check:
    """Both sample weeks, made of rows and of facts: equal to the last character."""
    dynamodb, placement = context.account.client("dynamodb"), Placement(ZONE)
    table = CorrelationTable(dynamodb, OWN_TABLE, now=lambda: 0.0, shards=lambda: 1)
    by_rows = Rows(table, placement, AudienceRules())
    by_facts = Facts(_fact_store(dynamodb), Table(dynamodb, FACTS_TABLE), placement)
    weeks = [Period.of_week(Week.parse(week)) for week in context.kept("sample-weeks")]
    made = [
        {
            str(at): dumps(summary)
            for week in weeks
            for at, summary in MadeSummaries(source, placement, load_policy())
            .between(week.first, week.last)
            .items()
        }
        for source in (by_rows, by_facts)
    ]
    equal = sum(made[0][at] == made[1].get(at) for at in made[0])
    whole = 0 < len(made[0]) == equal == len(made[1])
    return Check("days by rows and by facts", f"{equal} of {len(made[0])} equal", whole)


def move_ledger(context: Context) -> list[str]:
    """What the Reporter keeps itself moves, with the lock of its mails, while nothing can mail."""
    return _moved(context, SHARED_TABLE, FACTS_TABLE, Templates(context).apart())


def move_ledger_back(context: Context) -> list[str]:
    """The same with both tables exchanged."""
    return _moved(context, FACTS_TABLE, SHARED_TABLE, Templates(context).reading_facts())


def _moved(context: Context, source: str, target: str, after: Template) -> list[str]:
    """A lock is moved, never mirrored: who asks must ask the one table that has it."""
    stopped = _unscheduled(context.stacks.template(REPORTER))
    lines = [f"no schedule: {_reach(context, REPORTER, stopped, Limits())}"]
    dynamodb = context.account.client("dynamodb")
    if not until(lambda: not _being_sent(dynamodb, source)):
        raise StateError("a mail is in doubt: resolve it first (`resolve-send`)")
    lines.append(f"moved {move_rows(dynamodb, source, target, 'reporter')} rows to {target}")
    return [*lines, f"scheduled: {_reach(context, REPORTER, after, Limits())}"]


def _unscheduled(template: Template) -> Template:
    [schedule] = [
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Scheduler::Schedule"
    ]
    return with_properties(template, schedule, {"State": "DISABLED"})


def _being_sent(dynamodb: Any, table: str) -> bool:
    """Whether a mail was begun and its end is not known."""
    items = rows.everything(dynamodb, table).items()
    return any(
        key[0].startswith("SEND#") and item["sendState"]["S"] == "SENDING" for key, item in items
    )


def retire_shared(context: Context) -> list[str]:
    """The shared table goes to the migration's own stack: kept, and used by nobody."""
    templates = Templates(context)
    left = _reach(context, PROCESSOR, templates.alone(), Counts(remove=1))
    scaffold = templates.scaffold(replica=True, shared=True)
    taken = move.adopt(context.stacks, MIGRATION, scaffold, "Shared")
    return [left, *(f"{one.stack}, {one.kind}: {one.counts}" for one in taken)]


def restore_shared(context: Context) -> list[str]:
    """The shared table comes back to the Processor's stack."""
    templates, stacks = Templates(context), context.stacks
    lines = [_reach(context, MIGRATION, templates.scaffold(replica=True), Counts(remove=1))]
    own = templates.own()
    shared = table_of(own, SHARED_TABLE)
    taken = move.adopt(stacks, PROCESSOR, own, shared)
    return [*lines, *(f"{one.stack}, {one.kind}: {one.counts}" for one in taken)]


STEPS: Final = (
    Step("expand", expand, contract),
    Step("dual write", write_both, write_shared),
    Step("backfill", backfill),
    Step("cut over", cut_over, cut_back),
    Step("replica", replicate, end_replica),
    Step("report reads facts", read_facts, read_rows),
    Step("lock moves", move_ledger, move_ledger_back),
    Step("shared table retires", retire_shared, restore_shared),
)


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """Rows and facts are where they belong, and nobody may use the shared table."""
    templates = Templates(context)
    yield planned_anew(context, PROCESSOR, templates.alone())
    yield planned_anew(context, REPORTER, templates.apart())
    yield planned_anew(context, MIGRATION, templates.scaffold(replica=True, shared=True))
    yield from apart(context, asked_ms)


def apart(context: Context, asked_ms: int) -> Iterator[Check]:
    """What holds as long as the replica makes the facts."""
    for function, own in ((INGEST, OWN_TABLE), (REPORT, FACTS_TABLE)):
        yield refused(context, function, SHARED_TABLE, own)
    yield shadow(context)
    yield from of_two_tables(context, asked_ms)


def of_two_tables(context: Context, asked_ms: int) -> Iterator[Check]:
    """What holds in every state in which each service has its own table."""
    yield mailed_again(context)
    yield from common(context, OWN_TABLE, asked_ms)
    yield facts(context)


def mailed_again(context: Context) -> Check:
    """How many mails go out when each mailed week is reported again."""
    before = len(context.account.mails())
    for week in context.kept("sample-weeks"):
        deploy.report(context.account, week)
    again = len(context.account.mails()) - before
    return Check("mails of weeks that were mailed", str(again), again == 0)
