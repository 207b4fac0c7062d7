from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from github.stack import ISSUER, GithubStack
from testing.synthesis import synthesise, template_of
from testing.template import as_list, of_type, statements


@pytest.fixture(scope="module")
def template() -> Any:
    return template_of(GithubStack, "prod")


def roles_by_purpose(template: Any) -> dict[str, Any]:
    return {p["RoleName"].split("-")[3]: p for _, p in of_type(template, "AWS::IAM::Role")}


def subject_of(role: Any) -> Any:
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"]["StringEquals"][f"{ISSUER}:aud"] == "sts.amazonaws.com"
    return trust["Condition"]["StringEquals"][f"{ISSUER}:sub"]["Fn::Join"][1]


def test_only_the_stages_own_environment_may_deploy(template: Any) -> None:
    subject = subject_of(roles_by_purpose(template)["deploy"])
    assert subject == ["repo:", {"Ref": "Repository"}, ":environment:prod"]


def test_a_pull_request_may_only_look(template: Any) -> None:
    subject = subject_of(roles_by_purpose(template)["look"])
    assert subject == ["repo:", {"Ref": "Repository"}, ":pull_request"]
    [looking] = [s for policy, s in statements(template) if policy.startswith("Look")]
    assert looking["Action"] == "sts:AssumeRole"
    assert "lookup-role" in str(looking["Resource"])


def test_there_are_no_long_lived_keys(template: Any) -> None:
    assert not list(of_type(template, "AWS::IAM::User"))
    assert not list(of_type(template, "AWS::IAM::AccessKey"))


def test_no_action_is_a_wildcard(template: Any) -> None:
    for _, statement in statements(template):
        assert not [action for action in as_list(statement["Action"]) if "*" in action]


def test_only_actions_without_resources_reach_beyond_the_products_own_names(template: Any) -> None:
    everywhere = [s["Action"] for _, s in statements(template) if s["Resource"] == "*"]
    assert everywhere == [["codedeploy:StopDeployment", "lambda:ListFunctions"]]


def test_findings_of_cdk_nag_that_stand_do_not_grow_and_say_why() -> None:
    acknowledged = synthesise(GithubStack, "prod").acknowledged
    assert {entry.rule.split("[")[0] for entry in acknowledged} == {"AwsSolutions-IAM5"}
    assert len(acknowledged) == 10
    for entry in acknowledged:
        assert len(entry.reason) > 20
        assert date.fromisoformat(entry.since)
