"""The state of a stage: the words come from health, alarms and dead letters."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tools.deploy.account import Account
from tools.observe import status
from tools.observe.status import Queue, State, page, read, words
from tools.tests.answers import AnsweringSession, refusal

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
WELL = State(
    {"processor": "1.0.0 (abc, contracts 1.2.0)", "reporter": "1.0.0 (abc, contracts 1.2.0)"},
    linked=True,
    alarms=(),
    queues=(Queue("processor-ingest.fifo", 3, 12.0), Queue("reporter-facts-dlq", 0, None)),
    runs=("report: none in 8 days",),
)


def test_services_without_alarms_and_dead_letters_are_ok() -> None:
    assert next(page(WELL)) == "processor OK, reporter OK, links OK"
    assert "queue     processor-ingest.fifo  3 messages, oldest 12 s" in list(page(WELL))
    assert "last      report: none in 8 days" in list(page(WELL))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"alarms": (("reporter-queue-age", "text"),)}, {"reporter": "ALARM"}),
        ({"queues": (Queue("processor-relay-failures", 1, None),)}, {"processor": "ALARM"}),
        ({"queues": (Queue("processor-ingest-dlq.fifo", 1, None),)}, {"processor": "ALARM"}),
        ({"queues": (Queue("reporter-rule-dlq", 1, None),)}, {"links": "ALARM"}),
        ({"health": {"processor": None, "reporter": "1"}}, {"processor": "DOWN"}),
        ({"health": {"processor": "1"}}, {"reporter": "not deployed"}),
        ({"linked": False}, {"links": "not deployed"}),
    ],
)
def test_a_fault_changes_the_word_of_whom_it_is(
    change: dict[str, Any], word: dict[str, str]
) -> None:
    assert words(replace(WELL, **change)) == words(WELL) | word


def test_a_service_that_does_not_answer_and_an_alarm_are_shown() -> None:
    shown = list(page(replace(WELL, health={"processor": None}, alarms=(("processor-x", "why"),))))
    assert "version   processor  its API does not answer" in shown
    assert "alarm     processor-x  why" in shown


def account(monkeypatch: pytest.MonkeyPatch, events: Any, health: httpx.Response) -> Account:
    session = AnsweringSession(
        {
            "ssm.GetParameters": {"Parameters": [{"Value": "https://api.example"}]},
            "cloudwatch.DescribeAlarms": {
                "MetricAlarms": [
                    {"AlarmName": "cv-analytics-dev-reporter-mail", "AlarmDescription": "[ticket]"}
                ]
            },
            "cloudwatch.GetMetricData": {"MetricDataResults": [{"Id": "age", "Values": [7.0]}]},
            "sqs.ListQueues": {"QueueUrls": ["https://sqs/1/cv-analytics-dev-reporter-facts"]},
            "sqs.GetQueueAttributes": {
                "Attributes": {"ApproximateNumberOfMessages": "2", "VisibilityTimeout": "30"}
            },
            "logs.FilterLogEvents": events,
        }
    )
    transport = httpx.MockTransport(lambda _: health)
    monkeypatch.setattr(Account, "http", lambda *_, **__: httpx.Client(transport=transport))
    monkeypatch.setattr(status, "is_deployed", lambda *_: True)
    return Account("dev", session)


HEALTHY = httpx.Response(200, json={"version": "1", "commit": "c", "contracts": "2"})


def test_health_alarms_queues_and_the_last_runs_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"aws_request_id": "r", "days": 9, "compared": 9, "ReconciliationHealed": [2.0]}
    ran = int(NOW.timestamp() * 1000)
    older = {"timestamp": ran - 1, "message": json.dumps(line | {"days": 1})}
    events = {"events": [{"timestamp": ran, "message": json.dumps(line)}, older]}
    found = read(account(monkeypatch, events, HEALTHY), NOW)
    assert found.health == dict.fromkeys(("processor", "reporter"), "1 (c, contracts 2)")
    assert found.alarms == (("reporter-mail", "[ticket]"),)
    assert found.queues == (Queue("reporter-facts", 2, 7.0),)
    reconcile = "reconcile: 2026-11-28 08:00 UTC, days 9, compared 9, ReconciliationHealed 2"
    assert found.runs[0] == reconcile


@pytest.mark.parametrize(
    ("events", "run"),
    [
        ({"events": []}, "reconcile: none in 3 days"),
        (refusal("ResourceNotFoundException"), "reconcile: not deployed"),
    ],
)
def test_what_never_ran_is_said(events: Any, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(account(monkeypatch, events, HEALTHY), NOW).runs[0] == run


@pytest.mark.parametrize("health", [httpx.Response(503), httpx.Response(200, text="no json")])
def test_an_api_that_is_not_well_is_none(
    health: httpx.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(account(monkeypatch, {"events": []}, health), NOW)
    assert set(found.health.values()) == {None}
