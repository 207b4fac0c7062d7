from __future__ import annotations

from typing import Any

import pytest

from migration.phases.tables import (
    configured,
    granted,
    table_of,
    with_properties,
    with_table,
    without,
    without_kind,
)


def table(name: str) -> dict[str, Any]:
    return {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name}}


def arn(logical_id: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def role(*resources: object) -> dict[str, Any]:
    statements = [{"Action": "dynamodb:Query", "Resource": one} for one in resources]
    policy = {"PolicyName": "grants", "PolicyDocument": {"Statement": statements}}
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}


def grants(template: Any) -> list[object]:
    policy = template["Resources"]["R"]["Properties"]["Policies"][0]
    return [one["Resource"] for one in policy["PolicyDocument"]["Statement"]]


def test_a_template_gets_todays_table_beside_its_own() -> None:
    both = with_table({"Resources": {"A": table("shared")}}, {"Resources": {"B": table("own")}})
    assert table_of(both, "own") == "B"
    with pytest.raises(ValueError, match="too many"):
        table_of(both)


def test_a_grant_on_one_table_becomes_one_on_both_and_others_stay() -> None:
    index = {"Fn::Join": ["", [arn("A"), "/index/*"]]}
    template = {"Resources": {"R": role(arn("A"), index, arn("Q"))}}
    assert grants(granted(template, arn("A"), [arn("A"), arn("B")])) == [
        [arn("A"), arn("B")],
        [index, {"Fn::Join": ["", [arn("B"), "/index/*"]]}],
        arn("Q"),
    ]


def test_a_grant_on_the_other_table_alone_takes_the_first_ones_place() -> None:
    template = {"Resources": {"R": role(arn("A"))}}
    assert grants(granted(template, arn("A"), [arn("B")])) == [arn("B")]


def test_only_the_named_functions_get_another_handler_and_more_variables() -> None:
    def function(name: str) -> dict[str, Any]:
        variables = {"Variables": {"TABLE_NAME": "shared"}}
        properties = {"FunctionName": name, "Handler": "old", "Environment": variables}
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    template = {"Resources": {"F": function("f"), "G": function("g")}}
    changed = configured(template, {"f": "new"}, {"TABLES": "a,b"})["Resources"]
    assert changed["F"]["Properties"]["Handler"] == "new"
    assert changed["F"]["Properties"]["Environment"]["Variables"] == {
        "TABLE_NAME": "shared",
        "TABLES": "a,b",
    }
    assert changed["G"] == template["Resources"]["G"]


def test_a_resource_gets_more_properties_and_the_others_stay() -> None:
    template = {"Resources": {"A": role(arn("T")), "B": role(arn("T"))}}
    changed = with_properties(template, "A", {"State": "DISABLED"})["Resources"]
    assert changed["A"]["Properties"]["State"] == "DISABLED"
    assert changed["A"]["Properties"]["Policies"] == role(arn("T"))["Properties"]["Policies"]
    assert changed["B"] == template["Resources"]["B"]


def test_resources_are_left_out_by_name_and_by_type() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm"}
    template = {"Resources": {"A": role(arn("T")), "B": alarm, "C": alarm}, "Outputs": {}}
    assert without(template, "B")["Resources"].keys() == {"A", "C"}
    assert without_kind(template, "AWS::CloudWatch::Alarm")["Resources"].keys() == {"A"}
    assert without_kind(template, "AWS::CloudWatch::Alarm")["Outputs"] == {}
