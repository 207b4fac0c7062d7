from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest
from cv_contracts.chatbot import read_chatbot_event_json
from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.application.ingest import record
from cv_processor.application.wire.arrivals import arrival_of
from cv_processor.domain.correlation import give_up
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.data import load_policy
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.summary import merged
from moto import mock_aws

from cv_pragmatic.rows import Rows
from cv_pragmatic.summaries import MadeSummaries
from migration.kit import rows
from migration.tests.unit.two_tables import create_table
from tools.demo import samples
from tools.paths import SAMPLE_DATA

TABLE = "shared"
GRACE_MS = 5_000


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, TABLE)
        yield client


@pytest.fixture
def sampled(dynamodb: Any) -> MadeSummaries:
    """Both sample weeks as rows of the shared table."""
    store = CorrelationTable(
        dynamodb, TABLE, now=lambda: datetime.now(UTC).timestamp(), shards=lambda: 1
    )
    halves: dict[str, list[Any]] = {}
    for event in samples.load(SAMPLE_DATA):
        arrival = arrival_of(read_chatbot_event_json(json.dumps(event)))
        halves.setdefault(arrival.request_id, []).append(arrival.half)
    with ThreadPoolExecutor(1) as one_by_one:
        list(one_by_one.map(lambda pair: record(store, *pair), halves.items()))
    for seen in list(store.unclosed()):
        store.give_up(give_up(seen, GRACE_MS), seen=seen)
    return _summaries(store)


def _summaries(store: CorrelationTable) -> MadeSummaries:
    placement = Placement("Europe/London")
    return MadeSummaries(Rows(store, placement, AudienceRules()), placement, load_policy())


@pytest.mark.parametrize("week", [45, 46])
def test_the_rows_give_the_golden_outcomes(sampled: MadeSummaries, week: int) -> None:
    golden = samples.golden(SAMPLE_DATA, "Europe/London")[f"2025-W{week}"]
    monday, sunday = (date.fromisocalendar(2025, week, day) for day in (1, 7))
    outcomes = merged(sampled.between(monday, sunday).values()).visitors.outcomes
    found = (outcomes.questions, outcomes.full, outcomes.partial, outcomes.none)
    assert found == tuple(golden[name] for name in ("questions", "full", "partial", "none"))
    assert outcomes.no_response == golden["noResponse"]


def test_the_first_day_is_that_of_the_first_question(sampled: MadeSummaries) -> None:
    first = min(event["timestamp"] for event in samples.load(SAMPLE_DATA))
    assert sampled.first_day() == datetime.fromtimestamp(first / 1_000, UTC).date()


def test_a_table_without_questions_has_no_first_day(dynamodb: Any) -> None:
    empty = CorrelationTable(dynamodb, TABLE, now=lambda: 0.0, shards=lambda: 1)
    found = _summaries(empty)
    assert found.first_day() is None
    assert found.between(date(2025, 11, 3), date(2025, 11, 9)) == {}


def test_skills_that_were_asked_about(sampled: MadeSummaries) -> None:
    monday, sunday = (date.fromisocalendar(2025, 46, day) for day in (1, 7))
    assert "Kubernetes" in sampled.asked(monday, sunday)


def test_a_table_is_read_as_correlations(sampled: MadeSummaries, dynamodb: Any) -> None:
    found = rows.correlations(dynamodb, TABLE)
    assert len(found) == 40
    assert all(one.closed for one in found.values())


@pytest.mark.parametrize(
    ("pk", "owner"),
    [
        ("REQ#1", "processor"),
        ("TOMBSTONES", "processor"),
        ("SEND#2025-W46", "reporter"),
        ("REPORT", "reporter"),
        ("REPORTS", None),
        ("NEW#1", None),
    ],
)
def test_whose_a_row_is(pk: str, owner: str | None) -> None:
    assert rows.owner(pk) == owner


def test_a_row_without_an_owner_is_reported_without_what_follows_its_prefix(dynamodb: Any) -> None:
    for pk in ("REQ#1", "NEW#somebody"):
        dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": "x"}})
    assert rows.unowned(dynamodb, TABLE) == ["NEW"]
    assert len(rows.everything(dynamodb, TABLE)) == 2
