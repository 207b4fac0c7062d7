"""Each fault raises its alarm, and the commands of the runbook's section clear it.

Alarms whose fault cannot be caused here are evaluated on recorded data instead, by
`infra/testing/tests/test_alarm_states.py`: `RECORDED_ONLY` lists them, and a test compares.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.runbooks.stage import PREFIX, MeteredStage, eventually
from tools.observe import alarms, status
from tools.observe.measure import RAISED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Why not here, by alarm.
RECORDED_ONLY: Final = {
    "api-latency": "no request takes five seconds",
    "throttles": "functions with an alias are never throttled",
    "project-lag": "the embedded EventBridge delivers at once",
    "report-overdue": "the Reporter must have been there before last Monday",
}
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_every_alarm_is_raised_here_or_said_to_be_evaluated_on_recorded_data(
    stage: MeteredStage,
) -> None:
    source = Path(__file__).read_text("utf-8")
    named = set(re.findall(r'"(?:processor|reporter)-([a-z-]+)"', source))
    titles = {definition.name.split("-", 4)[4] for definition in alarms.definitions(stage.account)}
    raised = {title for title in titles if title in named}
    assert titles - raised == set(RECORDED_ONLY)


# ---- what could not be handled ------------------------------------------------------------------


def test_a_message_that_is_no_event(stage: MeteredStage) -> None:
    stage.system.send_to_queue({"requestId": "r", "eventType": "guess", "timestamp": 1})
    stage.until("processor-dead-letters", "ALARM")
    listed, *_ = stage.follow("processor", "dead-letters")
    assert "1 message in the ingest DLQ" in listed
    stage.passes(minutes(1), 1)
    assert stage.state("processor-dead-letters") == "OK"


def test_an_event_that_failed_five_times_arrives_after_its_redrive(stage: MeteredStage) -> None:
    stage.disable_mapping("reporter-project")
    request_id = stage.ask()
    eventually(lambda: stage.depth("reporter-facts") == 1, "its event is in the facts queue")
    move(stage, "reporter-facts", "reporter-facts-dlq")
    stage.follow("reporter", "queue-age")
    stage.until("reporter-dead-letters", "ALARM")
    assert not stage.is_reported(request_id)
    stage.follow("reporter", "dead-letters")
    eventually(lambda: stage.is_reported(request_id), "the fact has arrived")
    stage.passes(minutes(1), 1)
    assert stage.state("reporter-dead-letters") == "OK"


def test_an_event_that_no_rule_could_deliver(stage: MeteredStage) -> None:
    url = stage.system.url_of("reporter-rule-dlq")
    stage.account.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    stage.until("reporter-link-dead-letters", "ALARM")
    stage.follow("reporter", "link-dead-letters")
    stage.passes(minutes(1), 1)
    assert stage.state("reporter-link-dead-letters") == "OK"


def move(stage: MeteredStage, source: str, target: str) -> None:
    """Move a message between queues, as SQS does after five attempts."""
    client = stage.account.client("sqs")
    source_url, target_url = stage.system.url_of(source), stage.system.url_of(target)
    [message] = client.receive_message(QueueUrl=source_url)["Messages"]
    client.send_message(QueueUrl=target_url, MessageBody=message["Body"])
    client.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])


# ---- what does not run --------------------------------------------------------------------------


def _erase(stage: MeteredStage) -> None:
    stage.system.processor.delete("/v1/sessions/s-nobody").raise_for_status()


# Function, the queue that it reads, its service, minutes until the alarm by the runbook, a cause.
MAPPINGS: Final[dict[str, tuple[str, int, Callable[[MeteredStage], Any]]]] = {
    "processor-ingest": ("processor-ingest.fifo", 8, lambda stage: stage.ask()),
    "processor-expire": ("processor-deadline", 34, lambda stage: stage.ask(answered=False)),
    "processor-erase": ("processor-erasure", 63, _erase),
    "reporter-project": ("reporter-facts", 18, lambda stage: stage.ask()),
}
QUEUE_AGE: Final = {"processor": "processor-queue-age", "reporter": "reporter-queue-age"}


@pytest.mark.parametrize("function", MAPPINGS)
def test_a_disabled_mapping_of_a_queue(stage: MeteredStage, function: str) -> None:
    queue, limit, cause = MAPPINGS[function]
    service = function.split("-")[0]
    stage.disable_mapping(function)
    cause(stage)
    eventually(lambda: stage.depth(queue) > 0, "a message waits")
    assert stage.state(QUEUE_AGE[service]) == "OK"
    stage.passes(minutes(limit) + 5 * SECOND)
    assert stage.state(QUEUE_AGE[service]) == "ALARM"
    assert stage.disabled() == [function]
    stage.follow(service, "queue-age")
    eventually(lambda: stage.depth(queue) == 0, "the queue is empty")
    stage.passes(minutes(3))
    assert stage.state(QUEUE_AGE[service]) == "OK"


def test_the_disabled_mapping_of_relay(stage: MeteredStage) -> None:
    stage.passes(HOUR)
    stage.disable_mapping("processor-relay")
    for _ in range(2):
        stage.passes(HOUR)
        asked = stage.ask()
        eventually(partial(stage.is_recorded, asked), "it is recorded")
    stage.until("processor-not-published", "ALARM")
    assert not stage.is_reported(asked)
    stage.follow("processor", "not-published")
    eventually(lambda: stage.is_reported(asked), "it has arrived")
    stage.until("processor-not-published", "OK")


@pytest.mark.parametrize("name", ["reporter-summarise", "reporter-relay", "reporter-reconcile"])
def test_what_does_not_give_its_heartbeat(stage: MeteredStage, name: str) -> None:
    stage.invoke("reporter-reconcile")
    stage.until("reporter-heartbeat", "OK")
    if name == "reporter-reconcile":
        _disable_schedule(stage, name)
    else:
        stage.disable_mapping(name)
    # A batch that was under way when the mapping was disabled may give one more heartbeat.
    for _ in range(6):
        stage.passes(timedelta(hours=13))
        if name != "reporter-reconcile":
            stage.invoke("reporter-reconcile")
        stage.passes(HOUR)
        if stage.state("reporter-heartbeat") == "ALARM":
            break
    assert stage.state("reporter-heartbeat") == "ALARM"
    assert stage.disabled() == [name]
    stage.follow("reporter", "heartbeat")
    stage.until("reporter-heartbeat", "OK")
    assert stage.disabled() == []


def test_the_disabled_schedule_of_the_report_is_named_and_enabled(stage: MeteredStage) -> None:
    _disable_schedule(stage, "reporter-report")
    found = status.read(stage.account, stage.clock())
    assert found.next_mail == "none, its schedule is disabled"
    stage.follow("reporter", "report-overdue")
    assert stage.disabled() == []


def test_the_disabled_rule_of_the_links(stage: MeteredStage) -> None:
    stage.disable_rule("reporter-facts")
    request_id = stage.ask()
    eventually(lambda: stage.is_recorded(request_id), "it is recorded")
    assert stage.disabled() == ["reporter-facts"]
    stage.invoke("reporter-reconcile")
    stage.until("reporter-events-lost", "ALARM")
    assert stage.is_reported(request_id)
    printed = stage.follow("reporter", "events-lost")
    assert "0 questions healed" in printed[-1]
    stage.passes(HOUR)
    assert stage.state("reporter-events-lost") == "OK"


def _disable_schedule(stage: MeteredStage, name: str) -> None:
    client = stage.account.client("scheduler")
    kept = client.get_schedule(Name=f"{PREFIX}{name}")
    client.update_schedule(
        Name=f"{PREFIX}{name}",
        State="DISABLED",
        **{key: kept[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")},
    )


# ---- what fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["processor", "reporter"])
def test_an_api_whose_table_refuses_it(stage: MeteredStage, service: str) -> None:
    alarm = {"processor": "processor-api-errors", "reporter": "reporter-api-errors"}[service]
    api = {"processor": stage.system.processor, "reporter": stage.system.reporter}[service]
    path = {"processor": "/v1/correlations/x", "reporter": "/v1/reports"}[service]
    with stage.refused(f"{service}-api", "dynamodb"):
        assert api.get(path).status_code == 503
        stage.until(alarm, "ALARM")
    assert api.get(path).status_code < 500
    stage.passes(minutes(1), 1)
    assert stage.state(alarm) == "OK"


def test_functions_that_raise(stage: MeteredStage) -> None:
    assert "FunctionError" in stage.invoke("reporter-report", {"week": "none"})
    stage.until("reporter-errors", "ALARM")
    assert "FunctionError" in stage.invoke("processor-ingest", {})
    stage.until("processor-errors", "ALARM")
    stage.passes(minutes(1), 1)
    assert stage.state("reporter-errors") == stage.state("processor-errors") == "OK"


REPORT: Final = "REPORT RequestId"


def test_readers_of_streams_that_are_refused(stage: MeteredStage) -> None:
    """Both at once: a batch that failed comes again after many seconds."""
    readers = {
        "processor-relay": "processor-iterator-age",
        "reporter-relay": "reporter-iterator-age",
    }
    with stage.refused("processor-relay", "events"), stage.refused("reporter-relay", "events"):
        before = _lines(stage, readers, RAISED)
        stage.ask()
        # of a week that is over and was not reported yet: no other report is announced
        report = f"/v1/reports/{datetime.now(UTC) - timedelta(weeks=3):%G-W%V}"
        stage.system.reporter.post(report, params={"send": "true"}).raise_for_status()
        _until_more(stage, before, RAISED)
        stage.passes(minutes(6), 1)
        for _ in range(3):
            stage.begin_minute()
            _until_more(stage, _lines(stage, readers, RAISED), RAISED)
        assert {stage.state(alarm) for alarm in readers.values()} == {"ALARM"}
    _until_more(stage, _lines(stage, readers, REPORT), REPORT)
    stage.passes(minutes(4))
    assert {stage.state(alarm) for alarm in readers.values()} == {"OK"}


def _lines(stage: MeteredStage, functions: Iterable[str], start: str) -> dict[str, int]:
    """How many lines of each function's log start so: a failure has one, and every run."""
    pages = stage.account.client("logs").get_paginator("filter_log_events")
    return {
        name: sum(
            event["message"].startswith(start)
            for page in pages.paginate(logGroupName=f"/aws/lambda/{PREFIX}{name}")
            for event in page["events"]
        )
        for name in functions
    }


def _until_more(stage: MeteredStage, before: Mapping[str, int], start: str) -> None:
    """Wait until each function's log has one more such line, and measure it."""
    eventually(
        lambda: all(n > before[name] for name, n in _lines(stage, before, start).items()),
        f"{' and '.join(before)} ran again",
    )
    stage.meter.tick()


def test_a_comparison_that_gets_no_answer(stage: MeteredStage) -> None:
    _compare_without_permission(stage)
    stage.until("reporter-not-compared", "ALARM")
    stage.follow("reporter", "not-compared")
    stage.passes(HOUR)
    assert stage.state("reporter-not-compared") == "OK"


def _compare_without_permission(stage: MeteredStage) -> None:
    """Run the comparison once without its permission to ask the Processor."""
    iam, role = stage.account.client("iam"), f"{PREFIX}reporter-reconcile"
    name = f"{PREFIX}reporter-may-ask-processor"
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        stage.invoke("reporter-reconcile")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


# ---- mail ---------------------------------------------------------------------------------------


def test_an_address_that_bounced(stage: MeteredStage) -> None:
    bounce = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": "gone@cv.example"}],
        },
        "mail": {"messageId": "m-1"},
    }
    stage.invoke("reporter-feedback", {"detail-type": "Email Bounced", "detail": bounce})
    stage.until("reporter-mail", "ALARM")
    stage.passes(HOUR)
    assert stage.state("reporter-mail") == "OK"
