"""Deploy the system before, send the sample weeks through it, mail both reports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from migration.before import build
from migration.before.names import INGEST_QUEUE, PRAGMATIC, REPORT, SHARED_TABLE, stack_name
from tools.build.progress import Steps
from tools.demo import samples
from tools.deploy import cdk
from tools.deploy.account import Account
from tools.emulator.watch import waiting
from tools.paths import SAMPLE_DATA

ZONE: Final = "Europe/London"
GOLDEN_WEEKS: Final = ("2025-W45", "2025-W46")
DRAIN_SECONDS: Final = 120.0


class NotAsExpectedError(RuntimeError):
    """The system does not do what the rehearsal relies on."""


def deploy(account: Account, steps: Steps) -> None:
    """Synthesise and deploy the one stack."""
    with steps.step("synthesise the system before"):
        assembly = build.synthesise(build.bundles())
    with steps.step(f"deploy {stack_name(PRAGMATIC)}"):
        flags = ["--app", str(assembly), "--require-approval", "never", "--method", "direct"]
        cdk.run(account, "deploy", PRAGMATIC, [*flags, stack_name(PRAGMATIC)])


def send_samples(account: Account, now: datetime) -> samples.Plan:
    """Both sample weeks into the queue: shuffled, partly twice, partly answer first."""
    plan = samples.plan(samples.load(SAMPLE_DATA), now, ZoneInfo(ZONE))
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=INGEST_QUEUE)["QueueUrl"]
    for event in (*plan.by_queue, *plan.by_api):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(event),
            MessageGroupId=event["requestId"],
            MessageDeduplicationId=samples.queue_deduplication_id(event),
        )
    return plan


def settle(account: Account, done: Callable[[], bool]) -> None:
    """Wait until the way in is empty and `done` holds. Raises `NotAsExpectedError`."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while waiting(account, INGEST_QUEUE) or not done():
        if time.monotonic() > deadline:
            raise NotAsExpectedError(f"not drained within {DRAIN_SECONDS:.0f} s")
        time.sleep(0.5)


def closed(account: Account, ids: set[str]) -> bool:
    """Whether these questions are all closed."""
    pages = (
        account.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=SHARED_TABLE,
            FilterExpression="begins_with(closedDay, :day)",
            ExpressionAttributeValues={":day": {"S": "DAY#"}},
        )
    )
    found = {item["pk"]["S"].removeprefix("REQ#") for page in pages for item in page["Items"]}
    return ids <= found


def report(account: Account, week: str) -> Mapping[str, Any]:
    """Let the weekly report of a week be built and sent. Raises `NotAsExpectedError`."""
    answer = account.client("lambda").invoke(
        FunctionName=REPORT, Payload=json.dumps({"week": week}).encode()
    )
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise NotAsExpectedError(f"the report of {week} failed: {document.get('errorType')}")
    return document


def totals(account: Account, week: str, table: str = SHARED_TABLE) -> dict[str, Any]:
    """The totals of a stored report."""
    key = {"pk": {"S": "REPORT"}, "sk": {"S": week}}
    item = account.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    document: dict[str, Any] = json.loads(item["body"]["S"])
    found: dict[str, Any] = document["totals"]
    return found


def differences(found: Mapping[str, Any], week: str) -> Iterator[str]:
    """Where a report's totals are not the golden ones of a sample week."""
    for name, value in samples.golden(SAMPLE_DATA, ZONE)[week].items():
        if found.get(name) != value:
            yield f"{week} {name}: {found.get(name)}, not {value}"


def prove(account: Account, plan: samples.Plan) -> list[str]:
    """Mail both weeks; returns a line for each. Raises `NotAsExpectedError`."""
    lines = []
    for week, golden in zip(plan.weeks, GOLDEN_WEEKS, strict=True):
        result = report(account, week)
        wrong = [*differences(totals(account, week), golden)]
        if wrong:
            raise NotAsExpectedError("; ".join(wrong))
        lines.append(f"{week}: {result['questions']} questions, totals as golden.json has them")
    return lines
