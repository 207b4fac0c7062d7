"""cfn-lint's verdict on every template: no error, and each warning that stands has a reason."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from testing.stacks import everywhere, template

REGIONS: Final = ["eu-west-2", "us-east-1"]
# Rule, and a word of its message: why it stands.
ACKNOWLEDGED: Final = {
    ("W3005", "Role"): "CDK names the role beside the policy that a resource must wait for",
    ("W3037", "sendmessagebatch"): "the embedded AWS alone asks for it; local has no other",
}


@cache
def verdict(name: str, stage: str) -> tuple[tuple[str, str], ...]:
    return findings(template(name, stage))


def findings(of: Any) -> tuple[tuple[str, str], ...]:
    matches = lint(json.dumps(of), config=ManualArgs(regions=REGIONS))
    return tuple((match.rule.id, match.message) for match in matches)


def acknowledged(rule: str, message: str) -> list[tuple[str, str]]:
    return [key for key in ACKNOWLEDGED if key[0] == rule and key[1] in message]


@pytest.mark.parametrize(("name", "stage"), everywhere())
def test_a_template_has_no_finding_but_those_acknowledged(name: str, stage: str) -> None:
    assert [found for found in verdict(name, stage) if not acknowledged(*found)] == []


def test_each_acknowledgement_is_still_needed() -> None:
    used = {
        key for place in everywhere() for found in verdict(*place) for key in acknowledged(*found)
    }
    assert used == set(ACKNOWLEDGED)


WAYS: Final[dict[str, dict[str, Any]]] = {
    "Ref": {"Properties": {"TopicName": {"Ref": "Other"}}},
    "GetAtt": {"Properties": {"TopicName": {"Fn::GetAtt": ["Other", "TopicName"]}}},
    "Sub": {"Properties": {"TopicName": {"Fn::Sub": "a-${Other}-${AWS::Region}"}}},
    "variable of a Sub": {
        "Properties": {"TopicName": {"Fn::Sub": ["${x}", {"x": {"Ref": "Other"}}]}}
    },
    "DependsOn": {"DependsOn": ["Other"]},
    "UpdatePolicy": {
        "Type": "AWS::Lambda::Alias",
        "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"ApplicationName": {"Ref": "Other"}}},
    },
    "condition": {"Properties": {"TopicName": {"Fn::If": ["Is", {"Ref": "Other"}, "none"]}}},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_cycle_is_reported_whatever_names_the_other_resource(way: dict[str, Any]) -> None:
    resources = {
        "One": {"Type": "AWS::SNS::Topic", **way},
        "Other": {"Type": "AWS::SNS::Topic", "DependsOn": "One"},
    }
    conditions = {"Is": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-2"]}}
    found = findings({"Conditions": conditions, "Resources": resources})
    assert "E3004" in {rule for rule, _ in found}


def test_a_variable_that_belongs_to_lambda_is_reported() -> None:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Environment": {"Variables": {"AWS_REGION": "eu-west-2"}}},
    }
    assert "E3663" in {rule for rule, _ in findings({"Resources": {"It": function}})}
