from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.stack import ServiceStack
from cdk_constructs.stage import Stage
from testing.synthesis import synthesise


def with_a_queue(**properties: Any) -> Any:
    def build(app: cdk.App, stage: Stage) -> cdk.Stack:
        stack = ServiceStack(app, "example", stage)
        sqs.Queue(stack, "Queue", **properties)
        return stack

    return build


def with_a_public_bucket(app: cdk.App, stage: Stage) -> cdk.Stack:
    stack = ServiceStack(app, "example", stage)
    s3.Bucket(stack, "Bucket")
    return stack


@pytest.mark.parametrize("bad", [with_a_queue(), with_a_public_bucket])
def test_a_bad_stack_is_not_synthesised(bad: Any) -> None:
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synthesise(bad, "prod")


def test_the_emulators_template_is_not_checked_again() -> None:
    assert synthesise(with_a_queue(), "local").template["Resources"]


def test_an_acknowledged_finding_is_kept_with_its_reason_and_date() -> None:
    def build(app: cdk.App, stage: Stage) -> cdk.Stack:
        stack = ServiceStack(app, "example", stage)
        queue = sqs.Queue(stack, "Queue", enforce_ssl=True)
        acknowledge(queue, "AwsSolutions-SQS3", "It is thrown away", since="2026-11-22")
        return stack

    [entry] = synthesise(build, "prod").acknowledged
    assert (entry.rule, entry.reason, entry.since) == (
        "AwsSolutions-SQS3",
        "It is thrown away",
        "2026-11-22",
    )
    assert entry.path.endswith("/Queue")
