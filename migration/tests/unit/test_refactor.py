"""The move in an account, against botocore's own model of the API with recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from migration.kit import refactor
from migration.kit.changes import ChangeError, Stacks
from migration.kit.move import Move

ID = "arn:aws:cloudformation:eu-west-2:1:stackRefactor/1"
QUEUES = ("in", "own")


def queue(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": name},
        "DeletionPolicy": "Retain",
    }


@pytest.fixture
def move() -> Move:
    return Move(
        {"both": {"Resources": {"A": queue("in"), "B": queue("own")}}},
        {"one": {"Resources": {"In": queue("in")}}, "two": {"Resources": {"Own": queue("own")}}},
    )


@pytest.fixture
def aws() -> Iterator[Stubber]:
    client = boto3.client(
        "cloudformation", "eu-west-2", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def stands(aws: Stubber, name: str, status: str = "UPDATE_COMPLETE") -> None:
    stack = {"StackName": name, "CreationTime": "2026-01-01", "StackStatus": status}
    aws.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": name})


def missing(aws: Stubber, name: str) -> None:
    aws.add_client_error(
        "describe_stacks", "ValidationError", "does not exist", expected_params={"StackName": name}
    )


def gets_a_handle(aws: Stubber, name: str) -> None:
    stands(aws, name)
    aws.add_response("create_change_set", {"Id": "set"}, None)
    change = {
        "ResourceChange": {
            "Action": "Add",
            "LogicalResourceId": refactor.LEFT,
            "ResourceType": "AWS::CloudFormation::WaitConditionHandle",
        }
    }
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [change]})
    aws.add_response("execute_change_set", {})
    stands(aws, name)


def planned(aws: Stubber, move: Move, actions: list[dict[str, Any]]) -> None:
    handle = {"Resources": {refactor.LEFT: refactor.HANDLE}}
    bodies = {"both": handle, **move.target}
    aws.add_response(
        "create_stack_refactor",
        {"StackRefactorId": ID},
        {
            "EnableStackCreation": True,
            "ResourceMappings": [
                mapping("A", "one", "In"),
                mapping("B", "two", "Own"),
            ],
            "StackDefinitions": [
                {"StackName": name, "TemplateBody": json.dumps(body)}
                for name, body in bodies.items()
            ],
        },
    )
    aws.add_response("describe_stack_refactor", {"Status": "CREATE_COMPLETE"})
    answer = {"StackRefactorActions": actions}
    aws.add_response("list_stack_refactor_actions", answer, {"StackRefactorId": ID})


def mapping(source: str, stack: str, destination: str) -> dict[str, Any]:
    return {
        "Source": {"StackName": "both", "LogicalResourceId": source},
        "Destination": {"StackName": stack, "LogicalResourceId": destination},
    }


def moves(name: str, **more: Any) -> dict[str, Any]:
    return {"Action": "MOVE", "Entity": "RESOURCE", "PhysicalResourceId": name, **more}


CREATED = {"Action": "CREATE", "Entity": "STACK"}


def begins(aws: Stubber) -> None:
    stands(aws, "both")
    missing(aws, "one")
    gets_a_handle(aws, "both")


def test_all_resources_move_at_once_and_the_stack_that_they_left_is_deleted(
    aws: Stubber, move: Move
) -> None:
    begins(aws)
    planned(aws, move, [CREATED, *map(moves, QUEUES)])
    aws.add_response("execute_stack_refactor", {}, {"StackRefactorId": ID})
    aws.add_response("describe_stack_refactor", {"ExecutionStatus": "EXECUTE_COMPLETE"})
    stands(aws, "both")
    aws.add_response("delete_stack", {}, {"StackName": "both"})
    missing(aws, "both")
    assert refactor.run(Stacks(aws.client), move) == ["moved 2"]


@pytest.mark.parametrize(
    "actions",
    [
        [moves("in")],
        [*map(moves, QUEUES), {**moves("x"), "Action": "CREATE"}],
        [moves("in"), moves("own", TagResources=[{"Key": "a", "Value": "b"}])],
    ],
)
def test_a_refactoring_that_does_more_or_less_than_move_is_not_executed(
    aws: Stubber, move: Move, actions: list[dict[str, Any]]
) -> None:
    begins(aws)
    planned(aws, move, actions)
    with pytest.raises(ChangeError, match="refused"):
        refactor.run(Stacks(aws.client), move)


def test_a_move_that_was_interrupted_before_the_deletion_only_deletes(
    aws: Stubber, move: Move
) -> None:
    for name in ("both", "one", "two", "both"):
        stands(aws, name)
    aws.add_response("delete_stack", {}, {"StackName": "both"})
    missing(aws, "both")
    assert refactor.run(Stacks(aws.client), move) == []


def test_a_move_that_is_done_does_nothing(aws: Stubber, move: Move) -> None:
    missing(aws, "both")
    assert refactor.run(Stacks(aws.client), move) == []


def test_a_kept_template_is_not_changed_by_its_handle(move: Move) -> None:
    before = json.dumps(move.source)
    assert refactor.LEFT in refactor.with_handle(move.source["both"])["Resources"]
    assert json.dumps(move.source) == before
