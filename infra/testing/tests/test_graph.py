"""Circles of dependencies are found whatever the way by which a resource names another."""

from __future__ import annotations

from typing import Any

import pytest

from testing.graph import cycle, dependencies

WAYS: dict[str, dict[str, Any]] = {
    "Ref": {"Properties": {"Role": {"Ref": "Other"}}},
    "GetAtt as list": {"Properties": {"Role": {"Fn::GetAtt": ["Other", "Arn"]}}},
    "GetAtt as text": {"Properties": {"Role": {"Fn::GetAtt": "Other.Arn"}}},
    "Sub": {"Properties": {"Role": {"Fn::Sub": "a-${Other}-${AWS::Region}"}}},
    "Sub of an attribute": {"Properties": {"Role": {"Fn::Sub": "${Other.Arn}"}}},
    "variable of a Sub": {"Properties": {"Role": {"Fn::Sub": ["${x}", {"x": {"Ref": "Other"}}]}}},
    "DependsOn": {"DependsOn": "Other"},
    "DependsOn several": {"DependsOn": ["Other"]},
    "UpdatePolicy": {
        "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"ApplicationName": {"Ref": "Other"}}}
    },
    "condition": {"Properties": {"Role": {"Fn::If": ["Is", {"Ref": "Other"}, "none"]}}},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_circle_is_found_whatever_names_the_other(way: dict[str, Any]) -> None:
    template = {"Resources": {"One": way, "Other": {"DependsOn": "One"}}}
    found = cycle(template)
    assert found[0] == found[-1]
    assert set(found) == {"One", "Other"}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_without_a_circle_nothing_is_found(way: dict[str, Any]) -> None:
    template = {"Resources": {"One": way, "Other": {}}}
    assert dependencies(template) == {"One": {"Other"}, "Other": set()}
    assert cycle(template) == []


def test_parameters_pseudo_parameters_and_literals_are_no_resources() -> None:
    sub = {"Fn::Sub": ["${!Literal} ${AWS::Region} ${Given}", {"Given": "x"}]}
    template = {"Resources": {"One": {"Properties": {"a": {"Ref": "Stage"}, "b": sub}}}}
    assert dependencies(template) == {"One": set()}
