"""Cost against the number of questions: a report must not care, a big day must fit."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from time import process_time

from botocore.session import Session
from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.adapters.comparison_store import DynamoComparisons
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.items import from_item, to_item
from cv_reporter.adapters.owner_store import DynamoAnnotations, DynamoCv, DynamoStatuses
from cv_reporter.adapters.report_store import (
    DynamoReportStore,
    DynamoSuppressions,
)
from cv_reporter.adapters.summary_store import VERSIONS, DynamoSummaryStore
from cv_reporter.adapters.table import Item, Table, number, text
from cv_reporter.application.publish import ReportBuilder
from cv_reporter.application.wire.documents import report_json
from cv_reporter.bootstrap import forget
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.fact import FactKey, Placement
from cv_reporter.domain.report import Context, build_report
from cv_reporter.domain.summary import merged, summarise
from cv_reporter.domain.summary_document import fitted, loads
from cv_reporter.entrypoints.report import handler
from cv_reporter.presentation.mail import render_html, render_text
from pydantic_core import from_json

from benchmarks.reporter import deployed
from benchmarks.reporter.board import KEY
from benchmarks.reporter.figure import Figure
from benchmarks.reporter.stub import Stub
from benchmarks.reporter.workload import ENVIRONMENT, LONDON, day_of_facts

WEEK = Week(2025, 46)
BIG_DAY = 100_000
PAGE = 1_000
FIXED_READS = 8
"""Each shard's first day, the CV list: what a report reads whatever its week had."""
SHIFT = 1_000_003
"""A prime that no two session hashes are likely to be apart."""
MONDAY = date(2025, 11, 10)
AFTER_MS = 1_763_370_000_000
"""The Monday after."""
REPEATS = 25


class _NoDeadLetters:
    """A queue without messages."""

    def waiting_if_known(self) -> int:
        """None."""
        return 0


def big_day() -> Iterator[Figure]:
    """A day of 100,000 facts: reading their items page by page, summarising, storing."""
    seconds, facts = 0.0, []
    for page in _pages():
        start = process_time()
        facts += [from_item(item) for item in page]
        seconds += process_time() - start
    start = process_time()
    stored = fitted(summarise(facts, MONDAY, LONDON, load_policy()))
    seconds += process_time() - start
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    yield Figure("summarise: CPU of a day of 100,000 facts", seconds, 5, "s")
    yield Figure("summarise: stored size of that day", len(stored.encode()) / 1_000, 100, "KB")
    yield Figure("summarise: peak memory of the process", rss, 400, "MB")


def _pages() -> Iterator[list[Item]]:
    """The day's items, a thousand at a time, as a query brings them."""
    facts = day_of_facts(MONDAY, BIG_DAY)
    while page := list(islice(facts, PAGE)):
        yield [to_item(fact, FactKey("DAY#2025-11-10#0", fact.request_id), 400) for fact in page]


def report_by_size() -> Iterator[Figure]:
    """A report of summaries that are ready: 1,000,000 questions a week against 1,000.

    A whole invocation, with its calls over an AWS that answers at once; and of that what builds and
    renders the report.
    """
    small, large = _stored(1_000 // 7), _stored(1_000_000 // 7)
    little, much = (_least_of_invocations(stored) for stored in (small, large))
    note = f"({1_000 * much:.1f} ms against {1_000 * little:.1f} ms)"
    yield Figure(
        "report, invoked: CPU at 1,000,000 × at 1,000 a week", much / little, 1.25, "×", note
    )
    pairs = [(_report_seconds(small), _report_seconds(large)) for _ in range(REPEATS)]
    little, much = min(p[0] for p in pairs), min(p[1] for p in pairs)
    note = f"({1_000 * much:.1f} ms against {1_000 * little:.1f} ms)"
    yield Figure("report, built: CPU at 1,000,000 × at 1,000 a week", much / little, 1.3, "×", note)


def _stored(per_day: int) -> list[str]:
    """Fourteen days' summaries as stored: one day's, told of other sessions on each other day."""
    facts = list(day_of_facts(WEEK.first, per_day))
    one = fitted(summarise(facts, WEEK.first, LONDON, load_policy()))
    return [_other_sessions(one, day) for day in range(14)]


def _other_sessions(stored: str, day: int) -> str:
    document = json.loads(stored)
    tally = document["visitors"]
    moved = {(each + day * SHIFT) % tally["theta"] for each in tally["sessions"]}
    tally["sessions"] = sorted(moved)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _report_seconds(stored: list[str]) -> float:
    start = process_time()
    before = merged(loads(each, quotes=False, parse=from_json) for each in stored[:7])
    this = merged(loads(each, parse=from_json) for each in stored[7:])
    report = build_report(
        WEEK,
        this,
        before,
        time_zone=LONDON,
        policy=load_policy(),
        context=Context(first_day=WEEK.first - timedelta(days=7)),
    )
    report_json(report), render_html(report), render_text(report)
    return process_time() - start


def _least_of_invocations(stored: list[str]) -> float:
    """The least CPU seconds of an invocation, without the stub's own."""
    os.environ.update(ENVIRONMENT)
    days = [WEEK.first + timedelta(days=n) for n in range(-7, 7)]
    made = deployed.of_summaries(dict(zip(days, stored, strict=True)), {})
    # the answer that `board` needs: a process keeps what it read
    made["answers"]["GetParameter"] = {"Parameter": {"Value": KEY}}
    stub = Stub(**made)
    clients = [client(name) for name in ("dynamodb", "sqs", "ssm")]
    sources = [one.meta.events for one in (*clients, client_without_retries("sesv2"))]
    for source in sources:
        source.register_first("before-send", stub.answer, unique_id="report")
    forget()
    least = min(_invocation_seconds(stub) for _ in range(REPEATS))
    for source in sources:
        source.unregister("before-send", unique_id="report")
    return least


def _invocation_seconds(stub: Stub) -> float:
    stub.spent = 0.0
    start = process_time()
    answer = handler({"week": str(WEEK)}, None)
    spent = process_time() - start - stub.spent
    if answer["sent"] != 1:
        raise RuntimeError(f"the report was not sent: {answer}")
    return spent


def items_read() -> Iterator[Figure]:
    """What a report reads of a table that keeps a year in two shards."""
    shards = 2
    stored = {f"SUMMARY#{shard}": _year(shard) for shard in range(shards)}
    stub = Stub(rows=stored)
    os.environ.update(ENVIRONMENT)
    made = Session().create_client("dynamodb")
    made.meta.events.register("before-send", stub.answer)
    table, placement = Table(made, "bench"), Placement(LONDON, shards)
    builder = ReportBuilder(
        summaries=DynamoSummaryStore(table, placement),
        facts=DynamoFactStore(table, placement, 400),
        reports=DynamoReportStore(table),
        statuses=DynamoStatuses(table),
        suppressions=DynamoSuppressions(table),
        annotations=DynamoAnnotations(table),
        cv=DynamoCv(table),
        comparisons=DynamoComparisons(table),
        dead_letters=_NoDeadLetters(),
        time_zone=LONDON,
        policy=load_policy(),
        clock=lambda: AFTER_MS,
    )
    builder.build(WEEK)
    allowed = 7 * shards * 2 + FIXED_READS
    read = sum(stub.read.values()) + stub.calls["GetItem"]
    note = f"(7 days × {shards} shards × 2 weeks + {FIXED_READS})"
    yield Figure("report: items read for a week", read, allowed, "items", note)


def _year(shard: int) -> list[Item]:
    stored = fitted(summarise(list(day_of_facts(MONDAY, 4)), MONDAY, LONDON, load_policy()))
    days = (WEEK.last - timedelta(days=back) for back in reversed(range(365)))
    return [
        {
            "pk": text(f"SUMMARY#{shard}"),
            "sk": text(str(day)),
            "askedAt": number(day.toordinal() * VERSIONS + 1),
            "data": text(stored),
        }
        for day in days
    ]


MEASURES = (items_read, big_day, report_by_size)
