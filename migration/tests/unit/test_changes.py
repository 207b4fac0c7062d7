from __future__ import annotations

import json

import pytest

from migration.kit.changes import ChangeError, Counts, Limits, Stacks
from migration.tests.unit.cloudformation import FakeCloudFormation, change

TEMPLATE = {"Resources": {"One": {"Type": "AWS::SQS::Queue"}}}


def test_a_change_set_with_the_declared_counts_is_executed() -> None:
    aws = FakeCloudFormation()
    Stacks(aws).apply(Stacks(aws).plan("s", TEMPLATE), Counts(add=1))
    assert aws.calls == ["plan UPDATE s", "execute s"]


def test_a_change_set_with_other_counts_is_refused_and_deleted() -> None:
    aws = FakeCloudFormation(planned=[change("Modify", "One", "True"), change("Remove", "Two")])
    plan = Stacks(aws).plan("s", TEMPLATE)
    with pytest.raises(ChangeError, match="modify 1, remove 1, replace 1; declared was: modify 2"):
        Stacks(aws).apply(plan, Counts(modify=2))
    assert aws.calls == ["plan UPDATE s", "discard s"]
    assert aws.stacks == {}


def test_a_conditional_replacement_has_a_count_of_its_own() -> None:
    aws = FakeCloudFormation(planned=[change("Modify", "One", "Conditional")])
    assert Stacks(aws).plan("s", TEMPLATE).counts == Counts(modify=1, conditional=1)


@pytest.mark.parametrize(
    ("limits", "counts", "admitted"),
    [
        (Limits(), Counts(add=9, modify=3, conditional=1), True),
        (Limits(), Counts(replace=1), False),
        (Limits(), Counts(remove=1), False),
        (Limits(remove=1), Counts(remove=1), True),
        (Limits(remove=None), Counts(remove=9), True),
        (Limits(remove=None), Counts(remove=9, replace=1), False),
    ],
)
def test_limits_admit_no_replacement_and_only_so_many_removals(
    limits: Limits, counts: Counts, admitted: bool
) -> None:
    assert limits.admits(counts) is admitted


def test_a_refusal_by_limits_says_the_limits() -> None:
    aws = FakeCloudFormation(planned=[change("Remove", "One")])
    with pytest.raises(ChangeError, match="declared was: at most 0 removed, none replaced"):
        Stacks(aws).apply(Stacks(aws).plan("s", TEMPLATE), Limits())


class Bucket:
    """S3, as far as a long template needs it."""

    class meta:  # noqa: N801 (as boto3 has it)
        endpoint_url = "http://s3"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[f"http://s3/{Bucket}/{Key}"] = Body


def test_a_long_template_is_read_from_the_bucket() -> None:
    aws, bucket = FakeCloudFormation(), Bucket()
    long = {"Resources": {f"Queue{n}": {"Type": "AWS::SQS::Queue"} for n in range(2_000)}}
    aws.objects = bucket.objects
    Stacks(aws, bucket, "assets").plan("s", long)
    [body] = bucket.objects.values()
    assert json.loads(body) == long


def test_a_template_gets_the_parameters_that_it_declares() -> None:
    aws = FakeCloudFormation()
    stacks = Stacks(aws, parameters={"One": "1", "Two": "2"})
    stacks.plan("s", {**TEMPLATE, "Parameters": {"One": {"Type": "String"}}})
    assert aws.parameters == [{"ParameterKey": "One", "ParameterValue": "1"}]


def test_a_stack_is_made_once_and_then_updated() -> None:
    aws = FakeCloudFormation()
    for _ in range(2):
        Stacks(aws).make("s", TEMPLATE)
    assert aws.calls == ["plan CREATE s", "execute s", "plan UPDATE s", "discard s"]


def test_a_stack_that_is_not_there_need_not_be_deleted() -> None:
    aws = FakeCloudFormation()
    Stacks(aws).delete("s")
    assert aws.calls == []


def test_a_resource_that_only_refers_to_a_changed_one_is_a_possible_change() -> None:
    dynamic, static = change("Modify", "One", "Conditional"), change("Modify", "Two", "Conditional")
    dynamic["ResourceChange"]["Details"] = [{"Evaluation": "Dynamic"}]
    static["ResourceChange"]["Details"] = [{"Evaluation": "Dynamic"}, {"Evaluation": "Static"}]
    aws = FakeCloudFormation(planned=[dynamic, static])
    counts = Counts(modify=1, conditional=1, possible=1)
    assert Stacks(aws).plan("s", TEMPLATE).counts == counts


def test_a_template_without_changes_has_no_counts_and_is_not_executed() -> None:
    aws = FakeCloudFormation(stacks={"s": TEMPLATE})
    plan = Stacks(aws).plan("s", TEMPLATE)
    assert str(plan.counts) == "no changes"
    Stacks(aws).apply(plan, Counts())
    assert aws.calls == ["plan UPDATE s", "discard s"]


def test_a_change_set_that_cannot_be_made_is_an_error_with_its_reason() -> None:
    aws = FakeCloudFormation(failure="the queue is not there")
    with pytest.raises(ChangeError, match="s: the queue is not there"):
        Stacks(aws).plan("s", TEMPLATE)


def test_a_stack_that_rolled_back_is_an_error_with_the_first_reason() -> None:
    aws = FakeCloudFormation(after="UPDATE_ROLLBACK_COMPLETE")
    plan = Stacks(aws).plan("s", TEMPLATE)
    with pytest.raises(ChangeError, match="s is UPDATE_ROLLBACK_COMPLETE: no such role"):
        Stacks(aws).apply(plan, Counts(add=1))


def test_a_stack_that_is_not_there_has_no_status_and_no_resources() -> None:
    stacks = Stacks(FakeCloudFormation())
    assert stacks.status("s") is None
    assert stacks.physical_ids("s") == {}


def test_a_stack_that_is_where_it_should_be_is_left_alone() -> None:
    aws = FakeCloudFormation(stacks={"s": TEMPLATE})
    assert Stacks(aws).reach("s", TEMPLATE, Counts(add=1)).counts == Counts()
    assert aws.calls == ["plan UPDATE s", "discard s"]


def test_a_stack_that_would_change_otherwise_than_declared_is_left_alone() -> None:
    aws = FakeCloudFormation(stacks={"s": {"Resources": {}}})
    with pytest.raises(ChangeError, match="add 1; declared was: modify 1"):
        Stacks(aws).reach("s", TEMPLATE, Counts(modify=1))
    assert aws.stacks == {"s": {"Resources": {}}}
