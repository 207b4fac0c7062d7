"""What runbooks do by hand."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools import __main__ as commands
from tools.observe.operate import OperateError, dead_letter_queue, enable
from tools.tests.answers import account, refusal

MISSING = refusal("ResourceNotFoundException")
SCHEDULE = {
    "Name": "cv-analytics-dev-reporter-report",
    "ScheduleExpression": "cron(0 7 ? * MON *)",
    "ScheduleExpressionTimezone": "Europe/London",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": "arn:aws:lambda:eu-west-1:1:function:f",
        "RoleArn": "arn:aws:iam::1:role/r12",
    },
    "State": "DISABLED",
    "GroupName": "default",
}
FUNCTION = "arn:aws:lambda:eu-west-1:1:function:cv-analytics-dev-processor-{}:live"
NOTHING: dict[str, Any] = {
    "lambda.ListEventSourceMappings": {
        "EventSourceMappings": [
            {"UUID": f"{1:036}", "FunctionArn": FUNCTION.format("relay")},
            {"UUID": f"{2:036}", "FunctionArn": FUNCTION.format("ingest")},
        ]
    },
    "lambda.UpdateEventSourceMapping": {},
    "events.DescribeRule": MISSING,
    "events.EnableRule": {},
    "scheduler.GetSchedule": MISSING,
    "scheduler.UpdateSchedule": {"ScheduleArn": "a"},
}


def test_the_mapping_of_one_function_is_enabled() -> None:
    there, session = account(NOTHING)
    assert enable(there, "processor-relay") == ["event source mapping processor-relay is enabled"]
    assert (
        "lambda.UpdateEventSourceMapping",
        {"UUID": f"{1:036}", "Enabled": True},
    ) in session.calls
    assert session.operations.count("lambda.UpdateEventSourceMapping") == 1


def test_a_rule_is_enabled_on_its_bus() -> None:
    def on_bus(asked: Any) -> Any:
        return {"Name": "r"} if asked["EventBusName"] == "cv-analytics-dev-processor" else MISSING

    there, session = account(NOTHING | {"events.DescribeRule": on_bus})
    assert enable(there, "reporter-facts") == ["rule reporter-facts is enabled"]
    [asked] = [asked for name, asked in session.calls if name == "events.EnableRule"]
    assert asked["EventBusName"] == "cv-analytics-dev-processor"


def test_a_schedule_keeps_all_but_its_state() -> None:
    there, session = account(NOTHING | {"scheduler.GetSchedule": SCHEDULE})
    assert enable(there, "reporter-report") == ["schedule reporter-report is enabled"]
    [asked] = [asked for name, asked in session.calls if name == "scheduler.UpdateSchedule"]
    kept = {k: v for k, v in SCHEDULE.items() if k not in {"GroupName", "State"}}
    assert {k: v for k, v in asked.items() if k != "ClientToken"} == kept | {"State": "ENABLED"}


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(OperateError, match="nothing named x can be enabled"):
        enable(account(NOTHING)[0], "x")


def test_another_refusal_is_an_error() -> None:
    denied = {"events.DescribeRule": refusal("AccessDeniedException")}
    with pytest.raises(ClientError, match="AccessDenied"):
        enable(account(NOTHING | denied)[0], "x")


def test_only_a_queue_of_what_failed_may_be_purged() -> None:
    missing = refusal("AWS.SimpleQueueService.NonExistentQueue")
    missing.response["Error"]["QueryErrorCode"] = "QueueDoesNotExist"
    there, _ = account({"sqs.GetQueueUrl": missing})
    with pytest.raises(OperateError, match="is no queue of what failed"):
        dead_letter_queue(there, "processor-ingest.fifo")


@pytest.mark.parametrize(("flags", "purged"), [(["--yes"], True), ([], False)])
def test_a_queue_is_purged_after_asking(
    flags: list[str], purged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, session = account({"sqs.GetQueueUrl": {"QueueUrl": "https://q"}, "sqs.PurgeQueue": {}})
    monkeypatch.setattr(commands, "account_of", lambda _: there)
    monkeypatch.setattr(commands, "_typed", lambda _: False)
    with pytest.raises(SystemExit) as left:
        commands.main(["purge", "reporter-rule-dlq", "--stage", "dev", *flags])
    assert left.value.code == (0 if purged else 1)
    assert ("sqs.PurgeQueue" in session.operations) is purged


def test_what_was_enabled_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "account_of", lambda _: account(NOTHING)[0])
    with pytest.raises(SystemExit) as left:
        commands.main(["enable", "processor-ingest", "--stage", "dev"])
    assert left.value.code == 0
    assert capsys.readouterr().out == "event source mapping processor-ingest is enabled\n"
