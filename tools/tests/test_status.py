"""The state of a stage: the words come from health, alarms and dead letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.observe import status
from tools.observe.status import Alarm, Queue, State, Trigger, page, read, words
from tools.tests.answers import AnsweringSession, refusal

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WELL = State(
    {"processor": "1.0.0 (abc, contracts 1.2.0)", "reporter": "1.0.0 (abc, contracts 1.2.0)"},
    linked=True,
    alarms=(),
    queues=(Queue("processor-ingest.fifo", 3, 12.0), Queue("reporter-facts-dlq", 0, None)),
    triggers=(
        Trigger("processor-relay", "event source mapping", is_enabled=True, behind_ms=1_500.0),
    ),
    runs=("report: none in 8 days",),
    last_question="2026-11-27 08:00 UTC",
    next_mail="2026-11-30 07:00 Europe/London",
)


def disabled(name: str) -> Trigger:
    return Trigger(name, "rule", is_enabled=False)


def test_services_without_alarms_and_dead_letters_are_ok() -> None:
    assert next(page(WELL)) == "processor OK, reporter OK, links OK"
    assert list(page(WELL))[-5:] == [
        "queue     processor-ingest.fifo  3 messages, oldest 12 s",
        "stream    processor-relay  2 s behind",
        "last      question: 2026-11-27 08:00 UTC",
        "last      report: none in 8 days",
        "next      mail: 2026-11-30 07:00 Europe/London",
    ]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"alarms": (Alarm("reporter-queue-age", "ALARM"),)}, {"reporter": "ALARM"}),
        ({"alarms": (Alarm("reporter-queue-age", "OK"),)}, {}),
        ({"alarms": (Alarm("reporter-link-dead-letters", "ALARM"),)}, {"links": "ALARM"}),
        ({"triggers": (disabled("processor-ingest"),)}, {"processor": "ALARM"}),
        ({"triggers": (disabled("reporter-report"),)}, {"reporter": "ALARM"}),
        ({"triggers": (disabled("reporter-facts"),)}, {"links": "ALARM"}),
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
    alarms = (Alarm("processor-x", "ALARM", "why"), Alarm("processor-y", "OK", "not shown"))
    changed = replace(WELL, health={"processor": None}, alarms=alarms)
    shown = list(page(replace(changed, triggers=(disabled("reporter-facts"),))))
    assert "version   processor  its API does not answer" in shown
    assert "alarms    1 ALARM, 1 OK" in shown
    assert "alarm     processor-x  why" in shown
    assert "disabled  reporter-facts  rule" in shown
    assert "not shown" not in "".join(shown)


HEALTHY = httpx.Response(200, json={"version": "1", "commit": "c", "contracts": "2"})
ASKED = int(datetime(2026, 11, 27, 9, 30, tzinfo=UTC).timestamp() * 1000)
WEEKLY = {
    "Name": "cv-analytics-dev-reporter-report",
    "State": "ENABLED",
    "ScheduleExpression": "cron(0 7 ? * MON *)",
    "ScheduleExpressionTimezone": "Europe/London",
}
MAPPINGS = [
    {
        "EventSourceArn": f"arn:aws:{source}",
        "FunctionArn": f"arn:aws:lambda:eu-west-1:1:function:{function}:live",
        "State": state,
    }
    for source, function, state in [
        ("dynamodb:eu-west-1:1:table/t/stream/s", "cv-analytics-dev-processor-relay", "Enabled"),
        ("sqs:eu-west-1:1:q", "cv-analytics-dev-reporter-project", "Disabled"),
        ("sqs:eu-west-1:1:q", "another", "Disabled"),
    ]
]


def account(
    monkeypatch: pytest.MonkeyPatch,
    events: Any = None,
    health: httpx.Response = HEALTHY,
    summary: httpx.Response | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Account:
    alarm = {"AlarmName": "cv-analytics-dev-reporter-mail", "StateValue": "ALARM"}
    session = AnsweringSession(
        {
            "ssm.GetParameters": {"Parameters": [{"Value": "https://api.example"}]},
            "cloudwatch.DescribeAlarms": {
                "MetricAlarms": [alarm | {"AlarmDescription": "[ticket]"}]
            },
            "cloudwatch.GetMetricData": {
                "MetricDataResults": [
                    {"Id": "latest", "Values": [7.0, 9.0], "Timestamps": [NOW, NOW - MINUTE]}
                ]
            },
            "sqs.ListQueues": {"QueueUrls": ["https://sqs/1/cv-analytics-dev-reporter-facts"]},
            "sqs.GetQueueAttributes": {
                "Attributes": {"ApproximateNumberOfMessages": "2", "VisibilityTimeout": "30"}
            },
            "lambda.ListEventSourceMappings": {"EventSourceMappings": MAPPINGS},
            "events.ListRules": refusal("ResourceNotFoundException"),
            "scheduler.ListSchedules": {"Schedules": [WEEKLY, {"Name": "x", "State": "DISABLED"}]},
            "scheduler.GetSchedule": WEEKLY,
            "logs.FilterLogEvents": events or {"events": []},
            **(answers or {}),
        }
    )
    known = summary or httpx.Response(200, json={"findings": {"lastAsked": ASKED}})

    def reply(request: httpx.Request) -> httpx.Response:
        return known if request.url.path == "/v1/summary" else health

    transport = httpx.MockTransport(reply)
    monkeypatch.setattr(Account, "http", lambda *_, **__: httpx.Client(transport=transport))
    monkeypatch.setattr(status, "is_deployed", lambda *_: True)
    return Account("dev", session)


def test_health_alarms_queues_and_triggers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(account(monkeypatch), NOW)
    assert found.health == dict.fromkeys(("processor", "reporter"), "1 (c, contracts 2)")
    assert found.alarms == (Alarm("reporter-mail", "ALARM", "[ticket]"),)
    assert found.queues == (Queue("reporter-facts", 2, 7.0),)
    assert found.triggers == (
        Trigger("processor-relay", "event source mapping", is_enabled=True, behind_ms=7.0),
        Trigger("reporter-project", "event source mapping", is_enabled=False),
        Trigger("reporter-report", "schedule", is_enabled=True),
    )


def test_rules_of_the_buses_that_are_there_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def rules(asked: Any) -> Any:
        if asked["EventBusName"] != "cv-analytics-dev-processor":
            return refusal("ResourceNotFoundException")
        return {"Rules": [{"Name": "cv-analytics-dev-reporter-facts", "State": "DISABLED"}]}

    found = read(account(monkeypatch, answers={"events.ListRules": rules}), NOW)
    assert Trigger("reporter-facts", "rule", is_enabled=False) in found.triggers


def test_the_newest_line_of_what_runs_by_the_clock_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"aws_request_id": "r", "days": 9, "compared": 9, "ReconciliationHealed": [2.0]}
    ran = int(NOW.timestamp() * 1000)
    older = {"timestamp": ran - 1, "message": json.dumps(line | {"days": 1})}
    events = {"events": [{"timestamp": ran, "message": json.dumps(line)}, older]}
    reconcile = "reconcile: 2026-11-28 08:00 UTC, days 9, compared 9, ReconciliationHealed 2"
    assert read(account(monkeypatch, events), NOW).runs[0] == reconcile


@pytest.mark.parametrize(
    ("events", "run"),
    [
        ({"events": []}, "reconcile: none in 3 days"),
        (refusal("ResourceNotFoundException"), "reconcile: not deployed"),
    ],
)
def test_what_never_ran_is_said(events: Any, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(account(monkeypatch, events), NOW).runs[0] == run


@pytest.mark.parametrize("health", [httpx.Response(503), httpx.Response(200, text="no json")])
def test_an_api_that_is_not_well_is_none(
    health: httpx.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(account(monkeypatch, health=health), NOW)
    assert set(found.health.values()) == {None}


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        (httpx.Response(200, json={"findings": {"lastAsked": ASKED}}), "2026-11-27 09:30 UTC"),
        (httpx.Response(200, json={"findings": {"lastAsked": 0}}), "none in 28 days"),
        (httpx.Response(503), "its API does not answer"),
    ],
)
def test_the_last_question_is_the_reporters(
    summary: httpx.Response, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(account(monkeypatch, summary=summary), NOW).last_question == text


def test_without_a_reporter_there_is_no_last_question_and_no_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = refusal("ResourceNotFoundException")
    answers = {"ssm.GetParameters": {"Parameters": []}, "scheduler.GetSchedule": missing}
    found = read(account(monkeypatch, answers=answers), NOW)
    assert found.last_question == "the Reporter is not deployed"
    assert found.next_mail == "none, the Reporter is not deployed"


@pytest.mark.parametrize(
    ("change", "now", "text"),
    [
        ({}, NOW, "2026-11-30 07:00 Europe/London"),
        ({}, datetime(2026, 11, 30, 6, 59, tzinfo=UTC), "2026-11-30 07:00 Europe/London"),
        ({}, datetime(2026, 11, 30, 7, 0, tzinfo=UTC), "2026-12-07 07:00 Europe/London"),
        # In summer London is an hour ahead of UTC.
        ({}, datetime(2026, 7, 6, 6, 0, tzinfo=UTC), "2026-07-13 07:00 Europe/London"),
        ({"State": "DISABLED"}, NOW, "none, its schedule is disabled"),
        ({"ScheduleExpression": "rate(7 days)"}, NOW, "rate(7 days) Europe/London"),
    ],
)
def test_the_next_mail_is_the_schedules(
    change: dict[str, str], now: datetime, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(account(monkeypatch, answers={"scheduler.GetSchedule": WEEKLY | change}), now)
    assert found.next_mail == text


def test_a_scheduler_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = {"scheduler.GetSchedule": refusal("AccessDeniedException")}
    with pytest.raises(ClientError, match="AccessDenied"):
        read(account(monkeypatch, answers=denied), NOW)
