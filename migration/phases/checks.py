"""The invariants that hold in every state, as lines of a phase's evidence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cv_processor.adapters.correlation_store import CorrelationTable
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.policy import load_policy

from cv_pragmatic.rows import RowSummaries
from migration.before.deploy import ZONE
from migration.before.names import PREFIX
from migration.kit import checks, rows
from migration.kit.traffic import settled
from migration.phases.context import Context
from tools.emulator.watch import waiting

DEAD_LETTERS: Final = (f"{PREFIX}-processor-ingest-dlq.fifo", f"{PREFIX}-processor-deadline-dlq")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of evidence; `holds` says whether it is as it must be."""

    name: str
    value: str
    holds: bool = True


def common(context: Context, table: str) -> Iterator[Check]:
    """What is exact in every state; `table` is where the Processor's rows are."""
    dynamodb = context.account.client("dynamodb")
    found = checks.watch(context.journal, lambda: rows.correlations(dynamodb, table))
    yield Check("questions", str(found), found.holds and found.compared > 0)
    yield _in_report(context, table)
    dead = sum(waiting(context.account, name) for name in DEAD_LETTERS)
    yield Check("dead letters", str(dead), dead == 0)
    errors = len(context.errors.read_text("utf-8").splitlines()) if context.errors.exists() else 0
    yield Check("send errors", str(errors), errors == 0)
    twice = _sent_twice(context)
    yield Check("mails sent twice", str(twice), twice == 0)


def _in_report(context: Context, table: str) -> Check:
    """Each question that gets no further event is once in the Reporter's numbers."""
    closed = settled(context.journal.entries(), int(time.time() * 1_000))
    summaries = _summaries(context, table).between(*_days(context)).values()
    counted = sum(summary.visitors.outcomes.questions for summary in summaries)
    known = {entry.event["requestId"] for entry in context.journal.entries()}
    value = f"{counted} counted, {len(closed)} settled, {len(known)} asked"
    return Check("questions in the report", value, len(closed) <= counted <= len(known))


def _days(context: Context) -> tuple[date, date]:
    """The owner's days on which questions were asked."""
    times = [entry.at / 1_000 for entry in context.journal.entries()] or [time.time()]
    zone = ZoneInfo(ZONE)
    first, last = (datetime.fromtimestamp(at, zone).date() for at in (min(times), max(times)))
    return first, last


def _summaries(context: Context, table: str) -> RowSummaries:
    store = CorrelationTable(context.account.client("dynamodb"), table, now=lambda: 0.0)
    return RowSummaries(store, Placement(ZONE), AudienceRules(), load_policy())


def _sent_twice(context: Context) -> int:
    """Mails of a week to a recipient beyond the first."""
    sent = Counter((mail["Subject"].split(":")[0], *mail["To"]) for mail in context.account.mails())
    return sum(number - 1 for number in sent.values())
