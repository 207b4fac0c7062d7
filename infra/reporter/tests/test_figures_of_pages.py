"""The figures that the dashboard's pages state are those of the stacks in production."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from cdk_constructs.stack import REPOSITORY
from testing.stacks import builders, template
from testing.template import of_type

PAGES: Final = (
    REPOSITORY / "services/reporter/src/cv_reporter/presentation/templates/dashboard"
)  # the service is not installed here
REMAINS: Final = dict(
    re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", (PAGES / "what_remains.html").read_text("utf-8"))
)
# With `UNIT` in the environment, those of the Reporter alone.
STACKS: Final = sorted({"processor", "reporter", "reporter-links"} & set(builders()))
DAY_SECONDS: Final = 86_400
# What CloudFormation takes if a template names no period:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-table-pointintimerecoveryspecification.html
RECOVERY_DAYS: Final = 35
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
STREAM_HOURS: Final = 24
KEEPERS: Final = {
    "AWS::DynamoDB::Table": "Backups of both tables",
    "AWS::Logs::LogGroup": "Logs",
    "AWS::SQS::Queue": "Dead-letter queues",
}
"""What holds data, and where the page speaks of it."""
OTHER_KEEPERS: Final = re.compile(r"AWS::(Backup|DynamoDB|Events::Archive|Firehose|Kinesis|RDS|S3)")


def resources(kind: str) -> list[Any]:
    """The properties of all such resources of production."""
    return [p for name in STACKS for _, p in of_type(template(name, "prod"), kind)]


def figures(term: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", REMAINS[term])]


def test_dead_letters_are_kept_as_long_as_the_page_says() -> None:
    kept = {p["MessageRetentionPeriod"] // DAY_SECONDS for p in resources("AWS::SQS::Queue")}
    assert figures(KEEPERS["AWS::SQS::Queue"]) == [max(kept)]


def test_backups_reach_as_far_back_as_the_page_says() -> None:
    recovery = [p["PointInTimeRecoverySpecification"] for p in resources("AWS::DynamoDB::Table")]
    assert all(one["PointInTimeRecoveryEnabled"] for one in recovery)
    days = {one.get("RecoveryPeriodInDays", RECOVERY_DAYS) for one in recovery}
    assert figures(KEEPERS["AWS::DynamoDB::Table"]) == [*days]


def test_streams_keep_changes_as_long_as_the_page_says() -> None:
    assert all("StreamSpecification" in p for p in resources("AWS::DynamoDB::Table"))
    assert figures("Change streams of both tables") == [STREAM_HOURS]


def test_logs_are_kept_as_long_as_the_page_says() -> None:
    kept = {p["RetentionInDays"] for p in resources("AWS::Logs::LogGroup")}
    assert figures(KEEPERS["AWS::Logs::LogGroup"]) == [*kept]


@pytest.mark.parametrize("name", STACKS)
def test_nothing_else_keeps_data_than_what_the_page_names(name: str) -> None:
    kinds = {resource["Type"] for resource in template(name, "prod")["Resources"].values()}
    assert not {kind for kind in kinds - KEEPERS.keys() if OTHER_KEEPERS.match(kind)}
    assert KEEPERS.keys() & kinds or name == "reporter-links"


def test_a_first_question_is_shown_as_soon_as_the_page_says() -> None:
    [minutes] = re.findall(r"within (six) minutes", (PAGES / "empty.html").read_text("utf-8"))
    gathered = sum(
        p.get("MaximumBatchingWindowInSeconds", 0)
        for name in STACKS
        for resource, p in of_type(template(name, "prod"), "AWS::Lambda::EventSourceMapping")
        if not resource.startswith("Expire")  # which closes questions without an answer
    )
    assert {"six": 6}[minutes] == 1 + gathered // 60, "and a minute for the work itself"


def test_the_mail_goes_out_when_the_page_says() -> None:
    [hour, minute] = re.findall(
        r"goes out on \{\{ due\|day \}\} at (\d\d):(\d\d)", (PAGES / "reports.html").read_text()
    )[0]
    schedules = {p["ScheduleExpression"] for p in resources("AWS::Scheduler::Schedule")}
    assert f"cron({int(minute)} {int(hour)} ? * MON *)" in schedules
