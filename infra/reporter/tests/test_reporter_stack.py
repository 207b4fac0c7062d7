from __future__ import annotations

import ast
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from cdk_constructs.emulator import as_on_aws
from reporter.settings import SETTINGS
from reporter.stack import ReporterStack
from testing import stacks
from testing.synthesis import empty_bundle, synthesise, template_of
from testing.template import (
    grants_in,
    names_table_of,
    of_type,
    open_routes,
    references,
    statements,
)

SETTINGS_SOURCE: Final = (
    Path(__file__).parents[3] / "services" / "reporter" / "src" / "cv_reporter" / "settings.py"
)

# Raise a number only with a reason in the stack; lower it whenever one goes.
ACKNOWLEDGED: Final = {
    "AwsSolutions-APIG4": 3,
    "AwsSolutions-IAM5[Resource::*]": 3,
    "AwsSolutions-L1": 7,
    "AwsSolutions-SQS3": 4,
}


@pytest.fixture(scope="module", params=["local", "dev", "prod"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    bundle = empty_bundle(tmp_path_factory.mktemp("bundle"))
    return template_of(lambda app, stage: ReporterStack(app, stage, bundle, "1.0.0"), request.param)


def test_it_does_not_know_the_processors_table(template: Any) -> None:
    assert not names_table_of(template, "processor")


def test_only_health_and_the_dashboard_are_reachable_without_a_signature(template: Any) -> None:
    assert open_routes(template) == {"GET /health", "ANY /dashboard", "ANY /dashboard/{proxy+}"}


def test_the_report_runs_on_monday_at_seven_where_the_owner_lives(template: Any) -> None:
    report = schedule_of(template, "reporter-report")
    assert report["ScheduleExpression"] == "cron(0 7 ? * MON *)"
    assert report["ScheduleExpressionTimezone"] == "Europe/London"
    assert report["FlexibleTimeWindow"] == {"Mode": "OFF"}


def test_every_night_ends_with_a_comparison_half_an_hour_before_the_report(template: Any) -> None:
    comparison = schedule_of(template, "reporter-reconcile")
    assert comparison["ScheduleExpression"] == "cron(30 6 * * ? *)"
    assert comparison["ScheduleExpressionTimezone"] == "Europe/London"
    assert comparison["FlexibleTimeWindow"] == {"Mode": "OFF"}


def schedule_of(template: Any, name: str) -> Any:
    """The schedule of that name."""
    schedules = {p["Name"]: p for _, p in of_type(template, "AWS::Scheduler::Schedule")}
    [found] = [each for full, each in schedules.items() if full.endswith(name)]
    return found


def test_the_nightly_record_reaches_both_readers_of_the_stream(template: Any) -> None:
    readers = [
        json.dumps(p["FilterCriteria"])
        for _, p in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "StartingPosition" in p
    ]
    assert len(readers) == 2
    assert all("COMPARISON" in patterns for patterns in readers)


def test_the_queue_admits_only_rules_of_its_own_name(template: Any) -> None:
    allowing = [
        statement
        for _, policy in of_type(template, "AWS::SQS::QueuePolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {s["Principal"]["Service"] for s in allowing} == {"events.amazonaws.com"}
    by_rule = {s["Sid"]: str(s["Condition"]) for s in allowing if "Sid" in s}
    assert "rule/*/cv-analytics-" in by_rule["FactsByRule"]
    assert by_rule["FactsByRule"].endswith("-reporter-facts']]}}}")


def test_only_what_sends_mail_may(template: Any) -> None:
    senders = {
        policy.split("Role")[0]
        for policy, statement in statements(template)
        if "ses:SendEmail" in statement["Action"]
    }
    assert senders == {"Api", "Report"}


def test_summaries_follow_facts_only_and_the_relay_its_outbox_only(template: Any) -> None:
    filters = [
        str(p["FilterCriteria"])
        for _, p in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "StartingPosition" in p
    ]
    assert len(filters) == 2
    assert sum("OUTBOX#" in pattern for pattern in filters) == 1
    assert sum("DAY#" in pattern for pattern in filters) == 1


def test_a_day_is_summarised_once_in_five_minutes_in_prod() -> None:
    """Reads for a fact are bounded by how often its day is read."""

    def window(stage: str) -> int:
        [mapping] = [
            p
            for logical_id, p in of_type(
                stacks.template("reporter", stage), "AWS::Lambda::EventSourceMapping"
            )
            if logical_id.startswith("Summarise")
        ]
        return int(mapping["MaximumBatchingWindowInSeconds"])

    assert [window(stage) for stage in ("prod", "dev", "local")] == [300, 5, 0]


def test_the_alarm_on_a_lagging_stream_allows_for_the_window() -> None:
    [expression] = [
        query["Expression"]
        for _, p in of_type(stacks.template("reporter", "prod"), "AWS::CloudWatch::Alarm")
        if p["AlarmDescription"].endswith("#iterator-age")
        for query in p["Metrics"]
        if "Expression" in query
    ]
    assert expression == "MAX([FILL(summarise, 0) / 600000, FILL(relay, 0) / 300000])"


def test_projection_cannot_flood_the_table(template: Any) -> None:
    [project] = [
        p
        for _, p in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "StartingPosition" not in p
    ]
    assert project["ScalingConfig"]["MaximumConcurrency"] == 2


def test_every_function_keeps_questions_as_long_as_the_stage_says(template: Any) -> None:
    functions = [p for _, p in of_type(template, "AWS::Lambda::Function")]
    environments = [p["Environment"]["Variables"] for p in functions]
    kept = {each["RETENTION_DAYS"] for each in environments if "TABLE_NAME" in each}
    [stage] = {each["STAGE"] for each in environments if "STAGE" in each}
    assert kept == {str(SETTINGS[stage].retention_days)}


def test_every_function_gets_the_whole_environment_of_the_service(template: Any) -> None:
    """What `cv_reporter.settings` requires, by its source: the service is not installed here."""
    source = SETTINGS_SOURCE.read_text("utf-8")
    [model] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    ]
    required = {
        node.target.id.upper()
        for node in model.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert len(required) > 10
    environments = [
        p["Environment"]["Variables"] for _, p in of_type(template, "AWS::Lambda::Function")
    ]
    of_ours = [each for each in environments if "POWERTOOLS_SERVICE_NAME" in each]
    assert len(of_ours) == 7
    for environment in of_ours:
        assert required <= environment.keys()
    assert len({tuple(sorted(str(each[name]) for name in required)) for each in of_ours}) == 1


def test_no_function_that_writes_may_run_longer_than_a_reprojection_waits_for_it(
    template: Any,
) -> None:
    source = SETTINGS_SOURCE.with_name("application").joinpath("reproject.py").read_text("utf-8")
    [waits] = [
        node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "WRITER_SECONDS"
        and isinstance(node.value, ast.Constant)
    ]
    functions = [p for _, p in of_type(template, "AWS::Lambda::Function")]
    timeouts = [p["Timeout"] for p in functions if "TABLE_NAME" in p["Environment"]["Variables"]]
    assert len(timeouts) == 7
    assert max(timeouts) == waits


def test_the_embedded_aws_keeps_samples_of_any_age() -> None:
    assert SETTINGS["local"].retention_days > 365 * (date.today().year - 2000)
    assert SETTINGS["prod"].retention_days == 400


def test_nothing_of_the_processor_is_needed_to_deploy(template: Any) -> None:
    parameters = template.get("Parameters", {})
    looked_up = {p["Default"] for p in parameters.values() if p["Type"].startswith("AWS::SSM")}
    assert looked_up <= {"/cdk-bootstrap/hnb659fds/version"}
    assert references(template["Resources"]) <= set(template["Resources"]) | set(parameters) | {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::Partition",
        "AWS::Region",
    }


def test_the_emulator_enforces_the_very_grants_of_production(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    local, prod = (
        as_on_aws(
            grants_in(template_of(lambda app, at: ReporterStack(app, at, bundle, "1.0.0"), stage)),
            stage,
        )
        for stage in ("local", "prod")
    )
    assert local == prod


def test_a_deployment_is_tagged_with_its_release(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    result = synthesise(lambda app, at: ReporterStack(app, at, bundle, "1.2.3"), "prod")
    assert result.tags["release"] == "reporter-v1.2.3"


def test_findings_of_cdk_nag_that_stand_do_not_grow_and_say_why(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    result = synthesise(lambda app, stage: ReporterStack(app, stage, bundle, "1.0.0"), "prod")
    assert Counter(entry.rule for entry in result.acknowledged) == ACKNOWLEDGED
    for entry in result.acknowledged:
        assert len(entry.reason) > 20
        assert date.fromisoformat(entry.since)
