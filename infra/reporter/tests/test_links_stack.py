from __future__ import annotations

from typing import Any

import pytest
from cv_contracts.events import CorrelationCompleted, SessionErased, SessionErasureCompleted

from common.never import of_type, statements, violations
from common.synthesis import synthesise, template_of
from reporter.links import ReporterLinksStack


@pytest.fixture(scope="module", params=["local", "prod"])
def template(request: pytest.FixtureRequest) -> Any:
    return template_of(ReporterLinksStack, request.param)


def test_nothing_is_in_it_that_must_never_be(template: Any) -> None:
    assert violations(template) == []


def test_it_owns_nothing_but_the_joints(template: Any) -> None:
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert kinds == {
        "AWS::CloudWatch::Alarm",
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
        "reporter/role-names/report",
    }


def test_its_rules_are_the_contracts_patterns(template: Any) -> None:
    patterns = {p["Name"]: p["EventPattern"] for _, p in of_type(template, "AWS::Events::Rule")}
    facts = next(p for name, p in patterns.items() if name.endswith("reporter-facts"))
    receipts = next(p for name, p in patterns.items() if name.endswith("erasure-receipts"))
    for event in (CorrelationCompleted, SessionErased):
        pattern = event.event_pattern()
        assert pattern["source"] == facts["source"]
        assert pattern["detail-type"][0] in facts["detail-type"]
    assert receipts == SessionErasureCompleted.event_pattern()


def test_the_reporter_may_ask_and_never_command(template: Any) -> None:
    [(_, statement)] = statements(template)
    assert statement["Action"] == "execute-api:Invoke"
    for resource in statement["Resource"]:
        assert "/$default/GET/v1/" in str(resource)


def test_findings_of_cdk_nag_that_stand_do_not_grow() -> None:
    rules = sorted(
        e.rule.split("[")[0] for e in synthesise(ReporterLinksStack, "prod").acknowledged
    )
    assert rules == ["AwsSolutions-IAM5", "AwsSolutions-SQS3", "AwsSolutions-SQS3"]
