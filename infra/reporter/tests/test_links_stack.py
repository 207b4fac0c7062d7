from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from cv_contracts.events import (
    CorrelationCompleted,
    QuestionErased,
    SessionErased,
    SessionErasureCompleted,
)

from reporter.links import ReporterLinksStack
from testing.synthesis import synthesise, template_of
from testing.template import of_type, statements


@pytest.fixture(scope="module", params=["local", "dev", "prod"])
def template(request: pytest.FixtureRequest) -> Any:
    return template_of(ReporterLinksStack, request.param)


def test_it_owns_nothing_but_the_joints(template: Any) -> None:
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    # On the embedded AWS there are no alarms.
    assert kinds - {"AWS::CloudWatch::Alarm"} == {
        "AWS::Events::Rule",
        "AWS::IAM::Policy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
    }


def test_it_finds_both_services_by_their_published_parameters(template: Any) -> None:
    found = {
        p["Default"].split("/", 3)[-1]
        for p in template["Parameters"].values()
        if p["Type"] == "AWS::SSM::Parameter::Value<String>"
        and p["Default"].startswith("/cv-analytics/")
    }
    assert found == {
        "processor/api-arn",
        "processor/bus-name",
        "processor/erasure-queue-arn",
        "reporter/alarm-topic-arn",
        "reporter/bus-name",
        "reporter/queue-arn",
        "reporter/role-names/api",
        "reporter/role-names/reconcile",
    }


def test_its_rules_are_the_contracts_patterns(template: Any) -> None:
    patterns = {p["Name"]: p["EventPattern"] for _, p in of_type(template, "AWS::Events::Rule")}
    facts = next(p for name, p in patterns.items() if name.endswith("reporter-facts"))
    receipts = next(p for name, p in patterns.items() if name.endswith("erasure-receipts"))
    for event in (CorrelationCompleted, QuestionErased, SessionErased):
        pattern = event.event_pattern()
        assert pattern["source"] == facts["source"]
        assert pattern["detail-type"][0] in facts["detail-type"]
    assert receipts == SessionErasureCompleted.event_pattern()


def test_two_functions_may_ask_and_only_the_dashboards_may_erase(template: Any) -> None:
    assert calls_allowed(template) == {
        ("api", "reconcile"): {"GET/v1/correlations", "GET/v1/days/*"},
        ("api",): {"DELETE/v1/sessions/*", "DELETE/v1/correlations/*", "GET/v1/erasures/*"},
    }


def test_nothing_is_allowed_but_to_call_the_processors_api(template: Any) -> None:
    for _, statement in statements(template):
        assert statement["Action"] == "execute-api:Invoke"
        for resource in statement["Resource"]:
            root, _ = resource["Fn::Join"][1]
            assert parameter_of(template, root) == "processor/api-arn"


def test_findings_of_cdk_nag_that_stand_do_not_grow_and_say_why() -> None:
    acknowledged = synthesise(ReporterLinksStack, "prod").acknowledged
    rules = sorted(entry.rule.split("[")[0] for entry in acknowledged)
    assert rules == ["AwsSolutions-IAM5"] * 4 + ["AwsSolutions-SQS3"] * 2
    for entry in acknowledged:
        assert len(entry.reason) > 20
        assert date.fromisoformat(entry.since)


def calls_allowed(template: Any) -> dict[tuple[str, ...], set[str]]:
    """The methods and paths that each set of functions may call."""
    return {
        tuple(sorted(parameter_of(template, r).rsplit("/", 1)[1] for r in policy["Roles"])): {
            resource["Fn::Join"][1][1].removeprefix("/$default/")
            for statement in policy["PolicyDocument"]["Statement"]
            for resource in statement["Resource"]
        }
        for _, policy in of_type(template, "AWS::IAM::Policy")
    }


def parameter_of(template: Any, reference: Any) -> str:
    """The published parameter that a `Ref` stands for, as `<service>/<resource>`."""
    name = template["Parameters"][reference["Ref"]]["Default"]
    return str(name.split("/", 3)[-1])
