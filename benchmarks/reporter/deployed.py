"""What a deployed Reporter finds on its first event: two stored weeks, their facts, a comparison.

The bench makes it once and keeps it in a file; a measured process only loads it and answers from
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cv_reporter.adapters.items import to_item
from cv_reporter.adapters.table import number, text
from cv_reporter.application.wire.documents import report_json
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Week, day_start_ms
from cv_reporter.domain.fact import Fact, FactKey, partition, row
from cv_reporter.domain.report import Context, build_report
from cv_reporter.domain.summary import merged, summarise
from cv_reporter.domain.summary_document import fitted, loads

from benchmarks.reporter.workload import LAYOUT, LONDON, day_of_facts

WEEK = Week(2025, 46)
PER_DAY = 4
Item = dict[str, Any]


@contextmanager
def world() -> Iterator[Path]:
    """The file of what AWS answers."""
    days = [WEEK.first + timedelta(days=n) for n in range(-7, 7)]
    facts = {day: list(day_of_facts(day, PER_DAY)) for day in days}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "answers.json"
        file.write_text(json.dumps(answers(facts)), encoding="utf-8")
        yield file


def answers(facts: dict[date, list[Fact]]) -> dict[str, Any]:
    """What AWS answers: by operation, and a query by its partition."""
    summaries = {day: fitted(summarise(each, day, LONDON, load_policy()))
                 for day, each in facts.items()}  # fmt: skip
    rows = {partition(day, 0): _rows(day, each) for day, each in facts.items()}
    return of_summaries(summaries, rows)


def of_summaries(summaries: dict[date, str], rows: dict[str, list[Item]]) -> dict[str, Any]:
    """What AWS answers where these summaries are stored, and these rows of facts."""
    rows["SUMMARY#0"] = [_summary(day, stored) for day, stored in summaries.items()]
    return {
        "answers": {
            "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
            "outbound-emails": {"MessageId": "1"},
            "GetParameter": {"Parameter": {"Value": "https://bench.invalid"}},
            "GetQueueAttributes": {
                "Attributes": {
                    "ApproximateNumberOfMessages": "0",
                    "ApproximateNumberOfMessagesNotVisible": "0",
                }
            },
        },
        "rows": rows,
        "items": {**LAYOUT, str(WEEK): _report(summaries), "LAST": _comparison(list(summaries))},
    }


def _comparison(days: list[date]) -> Item:
    """What the night found: nothing was missing."""
    now = day_start_ms(days[-1] + timedelta(days=1), LONDON) + 1
    nothing = {"L": [number(now), number(0)]}
    return {
        "pk": text("COMPARISON"), "sk": text("LAST"), "at": number(now),
        "days": number(len(days)), "compared": number(len(days)), "healed": number(0),
        "problem": text(""), "lately": {"M": {str(day): nothing for day in days}},
    }  # fmt: skip


def _rows(day: date, facts: list[Fact]) -> list[Item]:
    return [
        to_item(fact, FactKey(partition(day, 0), row(fact.asked_at, fact.request_id)), 400)
        for fact in facts
    ]


def _summary(day: date, stored: str) -> Item:
    return {
        "pk": text("SUMMARY#0"), "sk": text(str(day)), "kind": text("SUMMARY"),
        "version": number(1), "lookup": text("SUMMARY#0"),
        "askedAt": number(day.toordinal() * 10**9 + 1), "data": text(stored),
    }  # fmt: skip


def _report(summaries: dict[date, str]) -> Item:
    stored = [loads(each) for each in summaries.values()]
    before, this = merged(stored[:7]), merged(stored[7:])
    context = Context(first_day=WEEK.first - timedelta(days=7))
    report = build_report(
        WEEK, this, before, time_zone=LONDON, policy=load_policy(), context=context
    )
    return {
        "pk": text("REPORT"), "sk": text(str(WEEK)), "body": text(report_json(report)),
        "digest": text("d"), "questions": number(7 * PER_DAY), "timeZone": text(LONDON),
    }  # fmt: skip


def environment() -> dict[str, str]:
    """What a process has beside the service's settings to start as on Lambda."""
    return os.environ | {"AWS_LAMBDA_FUNCTION_NAME": "bench", "PYTHONHASHSEED": "0"}
