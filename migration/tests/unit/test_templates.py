from __future__ import annotations

from typing import Any

import pytest

from migration.kit.templates import (
    Reference,
    UnknownResourceError,
    decoupled,
    later_names,
    owners_of,
    references,
    split,
)

OWNERS = ("processor", "reporter")


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}, **more}


def function(name: str, **environment: Any) -> dict[str, Any]:
    variables = {"Environment": {"Variables": environment}, "FunctionName": name}
    return {"Type": "AWS::Lambda::Function", "Properties": variables}


def mapping(queue_id: str) -> dict[str, Any]:
    source = {"Fn::GetAtt": [queue_id, "Arn"]}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": source}}


@pytest.fixture
def template() -> dict[str, Any]:
    return {
        "Resources": {
            "ProcessorIn": queue("in"),
            "ProcessorMapping": mapping("ProcessorIn"),
            "ReporterReport": {
                **function("report", QUEUE={"Ref": "ProcessorIn"}, OWN={"Ref": "ReporterOwn"}),
                "DependsOn": ["ProcessorIn", "ReporterOwn"],
            },
            "ReporterOwn": queue("own"),
        }
    }


def literal(found: Reference) -> str:
    return f"literal {found.logical_id} {found.attribute}"


def test_a_reference_to_another_owner_becomes_a_literal_and_one_to_its_own_stays(
    template: dict[str, Any],
) -> None:
    owners = owners_of(template, OWNERS)
    report = decoupled(template, owners, literal)["Resources"]["ReporterReport"]
    assert report["Properties"]["Environment"]["Variables"] == {
        "QUEUE": "literal ProcessorIn None",
        "OWN": {"Ref": "ReporterOwn"},
    }
    assert report["DependsOn"] == ["ReporterOwn"]


def test_a_decoupled_template_splits_into_one_per_owner_with_later_names(
    template: dict[str, Any],
) -> None:
    owners = owners_of(template, OWNERS)
    later = {"Resources": {"Later": queue("in"), "LaterMapping": mapping("Later")}}
    names = later_names(template, later)
    parts = split(decoupled(template, owners, literal), owners, names)
    assert list(parts["processor"]["Resources"]) == ["Later", "LaterMapping"]
    assert [*references(parts["processor"])] == [Reference("Later", "Arn")]
    assert set(parts["reporter"]["Resources"]) == {"ReporterReport", "ReporterOwn"}


def test_what_refers_to_another_owner_does_not_split(template: dict[str, Any]) -> None:
    with pytest.raises(UnknownResourceError, match="ProcessorIn"):
        split(template, owners_of(template, OWNERS), {})


@pytest.mark.parametrize("logical_id", ["Queue", "OtherQueue"])
def test_a_resource_in_no_owners_scope_is_refused(logical_id: str) -> None:
    with pytest.raises(UnknownResourceError, match="0 owners"):
        owners_of({"Resources": {logical_id: queue("q")}}, OWNERS)


def test_a_resource_without_a_name_is_refused() -> None:
    nameless = {"Resources": {"ProcessorTopic": {"Type": "AWS::SNS::Topic"}}}
    with pytest.raises(UnknownResourceError, match="ProcessorTopic"):
        later_names(nameless)


def test_a_later_template_may_have_resources_without_names(template: dict[str, Any]) -> None:
    later = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}}}
    assert later_names(template, later) == {}


def test_pseudo_parameters_are_no_references() -> None:
    assert [*references({"a": [{"Ref": "AWS::Region"}, {"Ref": "Own"}]})] == [Reference("Own")]
