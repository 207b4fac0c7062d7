"""Ten days of 100,000 questions in the Reporter: `python -m benchmarks.reporter.ten_days --write`.

It takes half an hour, so it is not part of `make count`. All questions come through `project`. In
the middle of the first and of the last day, those of one window come to `summarise` together; then
the nightly comparison and the weekly report run over what is kept. docs/scale.md holds what is
counted here against what is computed from small days.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from cv_contracts.digest import day_digest
from cv_contracts.events import CorrelationCompleted
from cv_reporter.adapters import processor_api
from cv_reporter.adapters.aws import client
from cv_reporter.application.ports import Partition, RemoteDay
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.fact import Fact
from cv_reporter.entrypoints import project, reconcile, report
from cv_reporter.entrypoints.observability import SERVICE
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType

from benchmarks.capacity import item_size
from benchmarks.reporter import usage
from benchmarks.usage import COUNTED, Used, document, expect, metered

# What counts is the world of the service's own tests, which are no package that is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services/reporter"))
from tests.component import world as worlds
from tests.faults.faults import clients
from tests.sample import chatbot_events, completed, correlations

FIRST = date(2025, 11, 8)
DAYS = 10
A_DAY = 100_000
DAY_MS = 86_400_000
PAGE_BYTES = 1_000_000
TOGETHER = A_DAY // 288
"""Questions in five minutes of such a day."""
QUESTIONS_OF_A_SESSION = 4
WEEK = "2025-W46"
NIGHT_MS = int(datetime(2025, 11, 17, 6, 30, tzinfo=UTC).timestamp() * 1_000)
"""When the week is over, and the schedule compares."""


@dataclass
class SameDays:
    """The Processor's days: what was sent to the Reporter, and nothing else."""

    sent: dict[date, list[tuple[str, int]]] = field(default_factory=dict)

    def day(self, day: date) -> RemoteDay:
        """Count and digest of a UTC day."""
        pairs = self.sent.get(day, [])
        return RemoteDay(len(pairs), day_digest(pairs))

    def facts(self, day: date) -> Iterator[Fact]:
        """Nobody should ask: both sides have the same."""
        raise AssertionError(f"{day} differs")


class Days:
    """Answers a query for a day's facts from its own partition, a megabyte a page, as DynamoDB
    does. Moto would sort everything that is kept for each page."""

    def __init__(self) -> None:
        self._order: list[str] = []
        self._partition = ""

    def __call__(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any] | None:
        """The page, in place of a call (botocore's `before-call`); of any other query nothing."""
        asked = json.loads(params["body"])
        values = asked["ExpressionAttributeValues"]
        partition = values.get(":pk", {}).get("S", "")
        if not partition.startswith("DAY#") or len(values) > 1:
            return None
        rows = worlds.moto_table().items.get(DynamoType({"S": partition}), {})
        if (partition, len(rows)) != (self._partition, len(self._order)):
            self._partition, self._order = partition, sorted(row.value for row in rows)
        start = asked.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        return AWSResponse("", 200, {}, None), self._page(rows, bisect_right(self._order, start))

    def _page(self, rows: Mapping[Any, Any], start: int) -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        size = 0
        for name in islice(self._order, start, None):
            items.append(rows[DynamoType({"S": name})].to_json()["Attributes"])
            size += item_size(items[-1])
            if size > PAGE_BYTES:
                return {"Items": items, "LastEvaluatedKey": {k: items[-1][k] for k in ("pk", "sk")}}
        return {"Items": items}


def questions(day: date) -> Iterator[CorrelationCompleted]:
    """A day's, spread evenly over it: the sample's, under ids of their own."""
    sample = [each for each in correlations(chatbot_events()) if "answeredAt" in each]
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
    for number, document_ in zip(range(A_DAY), cycle(sample), strict=False):
        asked_at = start + number * (DAY_MS // A_DAY)
        yield completed(
            document_
            | {
                "requestId": f"{day}-{number}",
                "sessionId": f"{day}-{number // QUESTIONS_OF_A_SESSION}",
                "askedAt": asked_at,
                "answeredAt": asked_at + 1_500,
            }
        )


def deliver(events: Iterator[CorrelationCompleted]) -> None:
    """Bring them to `project`, ten at a time; the stream's records are dropped."""
    while batch := list(islice(events, 10)):
        records = [worlds.sqs_record(number, event) for number, event in enumerate(batch)]
        answer = project.handler({"Records": records}, None)
        expect(answer == {"batchItemFailures": []}, "every event is projected")
        worlds.moto_table().stream_shard.items.clear()


def counted() -> str:
    """The document."""
    theirs = SameDays()
    with (
        mock_aws(),
        patch.object(processor_api, "ProcessorApi", lambda *_: theirs),
        patch.object(Services, "now_ms", lambda _: NIGHT_MS),
    ):
        world = usage.deployed()
        client("dynamodb").meta.events.register("before-call.dynamodb.Query", Days())
        windows = [_lived(world, FIRST + timedelta(days=n), theirs) for n in range(DAYS)]
        return document(
            days=DAYS,
            a_day=A_DAY,
            together=TOGETHER,
            first=windows[0],
            last=windows[-1],
            night=_night(),
            report=_report(),
        )


def _lived(world: worlds.World, day: date, theirs: SameDays) -> Used:
    """A day; returns what a question of its middle used of `summarise`."""
    events = questions(day)
    theirs.sent[day] = [(f"{day}-{number}", 1) for number in range(A_DAY)]
    deliver(islice(events, A_DAY // 2 - TOGETHER))
    services().summariser.refresh(Partition(day, 0))
    worlds.moto_table().stream_shard.items.clear()
    world.position = 0
    window = usage.folded(world, list(islice(events, TOGETHER)))
    deliver(events)
    services().summariser.refresh(Partition(day, 0))
    sys.stderr.write(f"{day}: {A_DAY:,} questions\n")
    return window


def _night() -> Used:
    """The nightly comparison, which finds nothing to fetch."""
    with metered(item_size, clients(), SERVICE) as used:
        done = reconcile.handler({}, None)
        expect(done == {"compared": 9, "healed": 0, "problem": None}, "all days are the same")
        return used()


def _report() -> Used:
    """The report of the week that is over."""
    with metered(item_size, clients(), SERVICE) as used:
        expect(report.handler({"week": WEEK}, None)["sent"] == 1, "one mail is sent")
        return used()


if __name__ == "__main__":
    text = counted()
    if "--write" in sys.argv:
        (COUNTED / "ten-days.json").write_text(text)
    else:
        sys.stdout.write(text)
