from __future__ import annotations

from typing import Any

import pytest

from migration.kit.changes import ChangeError, Counts, Stacks
from migration.kit.move import Move, NotRetainedError, adopt, check, import_of, run
from migration.tests.unit.cloudformation import FakeCloudFormation

URLS = {"in": "http://queue/in", "own": "http://queue/own"}


def queue(name: str, policy: str = "Retain", **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": name, **properties},
        "DeletionPolicy": policy,
    }


def mapping(queue_id: str) -> dict[str, Any]:
    source = {"Fn::GetAtt": [queue_id, "Arn"]}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": source}}


def stack(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


@pytest.fixture
def move() -> Move:
    return Move(
        {"both": stack(A=queue("in"), M=mapping("A"), B=queue("own"))},
        {"one": stack(In=queue("in"), M=mapping("In")), "two": stack(Own=queue("own"))},
    )


def test_a_move_imports_what_holds_data_and_makes_the_rest_anew(move: Move) -> None:
    aws = FakeCloudFormation(stacks=dict(move.source))
    done = run(Stacks(aws), move, URLS)
    assert [f"{one.stack} {one.kind} {one.counts}" for one in done] == [
        "one IMPORT imported 1",
        "one UPDATE add 1",
        "two IMPORT imported 1",
    ]
    assert aws.stacks == dict(move.target)


def test_a_move_and_its_inverse_leave_what_was_there(move: Move) -> None:
    aws = FakeCloudFormation(stacks=dict(move.source))
    run(Stacks(aws), move, URLS)
    run(Stacks(aws), move.inverse, URLS)
    assert aws.stacks == dict(move.source)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_an_interrupted_move_goes_on_where_it_was(move: Move, steps: int) -> None:
    aws = FakeCloudFormation(stacks=dict(move.source))
    if steps > 0:
        del aws.stacks["both"]
    if steps > 1:
        aws.stacks["one"] = stack(In=queue("in"))
    if steps > 2:
        aws.stacks["one"] = dict(move.target["one"])
    run(Stacks(aws), move, URLS)
    assert aws.stacks == dict(move.target)


def test_a_resource_that_its_stack_would_delete_is_not_moved(move: Move) -> None:
    careless = Move({"both": stack(A=queue("in", "Delete"))}, {"one": stack(A=queue("in"))})
    with pytest.raises(NotRetainedError, match="both: A"):
        check(careless)


def test_a_resource_that_no_target_has_stops_the_move(move: Move) -> None:
    with pytest.raises(ChangeError, match="AWS::SQS::Queue own"):
        check(Move(move.source, {"one": move.target["one"]}))


def test_what_moves_may_not_refer_to_what_is_taken_over() -> None:
    bound = {"both": stack(A=queue("in", Tag={"Ref": "M"}), M=mapping("A"))}
    with pytest.raises(ChangeError, match=r"refers to what does not: \['M'\]"):
        check(Move(bound, bound))


def test_a_refused_move_changes_nothing(move: Move) -> None:
    aws = FakeCloudFormation(stacks=dict(move.source))
    with pytest.raises(ChangeError):
        run(Stacks(aws), Move(move.source, {"one": move.target["one"]}), URLS)
    assert aws.calls == []


def test_a_queue_is_imported_by_its_url_and_a_table_by_its_name() -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t"}}
    found = [import_of(stack(Q=queue("in"), T=table), one, URLS) for one in ("Q", "T")]
    assert [one["ResourceIdentifier"] for one in found] == [
        {"QueueUrl": "http://queue/in"},
        {"TableName": "t"},
    ]


def test_a_table_is_adopted_once() -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t"}}
    aws = FakeCloudFormation(stacks={"s": stack(A=queue("in"))})
    both = stack(A=queue("in"), T=table)
    [adopted] = adopt(Stacks(aws), "s", both, "T")
    assert adopted.counts == Counts(imported=1)
    assert adopt(Stacks(aws), "s", both, "T") == []
    assert aws.calls == ["plan IMPORT s", "execute s"]
