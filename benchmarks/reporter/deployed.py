"""What a deployed Reporter finds on its first event: two stored weeks, their facts, a Processor.

The bench makes it once and keeps it in a file; a measured process only loads it and answers from
it. The Processor is a server of the bench's own process, so what it spends is not counted.
"""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from cv_contracts.digest import day_digest
from cv_reporter.adapters.fact_items import to_item
from cv_reporter.adapters.table import number, text
from cv_reporter.domain.calendar import Week, utc_day
from cv_reporter.domain.document import to_json
from cv_reporter.domain.fact import Fact, FactKey, partition, row
from cv_reporter.domain.policy import load_policy
from cv_reporter.domain.report import Context, build_report
from cv_reporter.domain.summary import merged, summarise
from cv_reporter.domain.summary_document import fitted, loads

from benchmarks.reporter.workload import LONDON, day_of_facts

WEEK = Week(2025, 46)
PER_DAY = 4
Item = dict[str, Any]


class Processor(BaseHTTPRequestHandler):
    """Says of each UTC day what the Reporter knows too, so that nothing has to be fetched."""

    protocol_version = "HTTP/1.1"
    days: ClassVar[dict[str, dict[str, int]]] = {}
    asked: ClassVar[int] = 0

    def do_GET(self) -> None:
        """`GET /v1/days/{day}`."""
        Processor.asked += 1
        day = self.path.rpartition("/")[2]
        known = self.days.get(day, {})
        digest = day_digest(known.items())
        body = json.dumps({"day": day, "correlations": len(known), "digest": digest}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the table is what is printed."""


@contextmanager
def world() -> Iterator[Path]:
    """The file of what AWS answers, while the Processor serves."""
    days = [WEEK.first + timedelta(days=n) for n in range(-7, 7)]
    facts = {day: list(day_of_facts(day, PER_DAY)) for day in days}
    Processor.days = _by_utc_day(facts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Processor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "answers.json"
            file.write_text(json.dumps(answers(facts, address)), encoding="utf-8")
            yield file
    finally:
        server.shutdown()
        server.server_close()


def answers(facts: dict[date, list[Fact]], address: str) -> dict[str, Any]:
    """What AWS answers: by operation, and a query by its partition."""
    summaries = {day: fitted(summarise(each, day, LONDON, load_policy()))
                 for day, each in facts.items()}  # fmt: skip
    rows = {partition(day, 0): _rows(day, each) for day, each in facts.items()}
    rows["SUMMARY#0"] = [_summary(day, stored) for day, stored in summaries.items()]
    return {
        "answers": {
            "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
            "outbound-emails": {"MessageId": "1"},
            "GetParameter": {"Parameter": {"Value": address}},
            "GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
            "GetSecretValue": {"SecretString": "k" * 64},
        },
        "rows": rows,
        "items": {str(WEEK): _report(summaries)},
    }


def _by_utc_day(facts: dict[date, list[Fact]]) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for fact in (fact for each in facts.values() for fact in each):
        found[str(utc_day(fact.asked_at))][fact.request_id] = fact.revision
    return found


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
        "pk": text("REPORT"), "sk": text(str(WEEK)), "body": text(to_json(report)),
        "digest": text("d"), "questions": number(7 * PER_DAY), "timeZone": text(LONDON),
    }  # fmt: skip


def environment() -> dict[str, str]:
    """The settings that a deployed `report` and `api` have beside the common ones."""
    return os.environ | {
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "BUS_NAME": "bench",
        "SENDER": "reports@cv.example",
        "RECIPIENTS": "owner@cv.example",
        "PROCESSOR_API_PARAMETER": "/bench/processor/api-url",
        "API_URL_PARAMETER": "/bench/reporter/api-url",
        "DASHBOARD_KEY_ARN": "key",
        "FACTS_DLQ_URL": "https://sqs.eu-west-2.amazonaws.com/000000000000/bench",
        "PYTHONHASHSEED": "0",
    }
