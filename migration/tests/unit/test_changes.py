from __future__ import annotations

import pytest

from migration.kit.changes import ChangeError, Counts, Stacks
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


def test_a_conditional_replacement_counts_as_one() -> None:
    aws = FakeCloudFormation(planned=[change("Modify", "One", "Conditional")])
    assert Stacks(aws).plan("s", TEMPLATE).counts == Counts(modify=1, replace=1)


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
