"""Everything that the embedded AWS lacks, in one place.

The templates of all stages come from the same code. For the `local` stage this aspect takes out
the resources named here; whatever else differs is a field of `cdk_constructs.stage.Stage`.
The README of `infra` shows these lists; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct


@dataclass(frozen=True)
class Gap:
    """What happens on the embedded AWS, and which check covers the real thing instead."""

    there: str
    covered_by: str


LINT: Final = "`test_cfn_lint`"
LEFT_OUT: Final = {
    "AWS::Budgets::Budget": Gap("nothing costs anything there", f"{LINT}, `rules.budgets`"),
    "AWS::CloudWatch::CompositeAlarm": Gap(
        "it would send mail; `make status` has one word a service", f"{LINT}, `test_alarms`"
    ),
    "AWS::CloudWatch::Dashboard": Gap(
        "no AWS metrics but those of alarms; `make status` shows how the services are",
        f"{LINT}, `test_alarms`",
    ),
    "AWS::CodeDeploy::Application": Gap("aliases move at once", f"{LINT}, `test_names`"),
    "AWS::CodeDeploy::DeploymentGroup": Gap(
        "aliases move at once", f"{LINT}, `rules.canaries`, `rules.permissions_of_codedeploy`"
    ),
    "AWS::Logs::QueryDefinition": Gap("`make logs` and `make trace` read the logs", LINT),
}

# What is in the templates under a condition that does not hold there. Its CloudFormation refuses
# metric math, and its CloudWatch evaluates no missing data: `tools/observe/meter.py` reads the
# definitions in the deployed templates, puts and evaluates them.
PUT_BY_THE_METER: Final = {
    "AWS::CloudWatch::Alarm": Gap(
        "the meter measures and evaluates it",
        f"{LINT}, `test_alarms`, `test_alarm_states`",
    ),
}
ON_AWS: Final = "OnAws"

# What is in the templates, and does nothing there; tests must not rely on it.
WITHOUT_EFFECT: Final = {
    "policy of an event bus": Gap(
        "any source may put events, any rule may listen", "`test_iam` reads it; no check runs it"
    ),
    "reserved concurrency": Gap("a function with an alias is not throttled", "no check can"),
    "throttle of a route": Gap(
        "a flood is served", "`rules.open_routes_without_throttle`; no check runs it"
    ),
    "time zone of a schedule": Gap("it runs by UTC", f"{LINT}; no check runs it"),
    "TLS": Gap(
        "it speaks plain HTTP on 127.0.0.1, so queues, topics and buckets do not insist on it",
        "cdk-nag SQS4, SNS3 and S10",
    ),
}

# What is in the `local` templates alone.
ADDED: Final = {
    "AWS::SES::EmailIdentity": Gap(
        "the Reporter's stack makes it; on AWS it is the account's, in a stack of its own",
        f"{LINT} and `test_names` on that stack",
    )
}

# On AWS whoever may send a message may send ten at once; the emulator wants that said.
ALSO_ASKED: Final = {"sqs:SendMessage": "sqs:SendMessageBatch"}
# The emulator does not look at which sender, or which configuration set, a mail is sent with.
ASKED_OF_ANY_RESOURCE: Final = frozenset({"ses:SendEmail"})


def as_on_aws(grants: set[tuple[str, str, str]], stage: str) -> set[tuple[str, str, str]]:
    """A template's grants (policy, action, resource) without these two differences and its stage.

    What is left must be the same in all stages: then IAM on the emulator proves it for AWS.
    """
    return {
        (
            policy,
            action,
            "any"
            if action in ASKED_OF_ANY_RESOURCE
            else resource.replace(f"/{stage}/", "/<stage>/"),
        )
        for policy, action, resource in grants
        if action not in ALSO_ASKED.values()
    }


def declare_on_aws(stack: cdk.Stack) -> None:
    """The condition `OnAws`, for a stack of the emulated stage that has alarms.

    The emulator knows no pseudo parameter in a condition.
    """
    where = cdk.CfnParameter(
        stack,
        "AlarmsAreEvaluatedBy",
        default="meter",
        allowed_values=["meter", "CloudWatch"],
        description="Who evaluates the alarms: CloudWatch, or the meter of the embedded AWS",
    )
    is_aws = cdk.Fn.condition_equals(where.value_as_string, "CloudWatch")
    cdk.CfnCondition(stack, ON_AWS, expression=is_aws)


@jsii.implements(cdk.IAspect)
class LeaveOutWhatTheEmulatorLacks:
    """Removes the resources of the types in `LEFT_OUT` from a template.

    Those of the types in `PUT_BY_THE_METER` stay, under the condition `OnAws`.
    """

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for every construct."""
        if not isinstance(node, cdk.CfnResource):
            return
        kind: Any = node.cfn_resource_type
        if isinstance(node, lambda_.CfnAlias):
            node.cfn_options.update_policy = None  # it names the CodeDeploy group
        if kind in PUT_BY_THE_METER:
            condition = cdk.Stack.of(node).node.find_child(ON_AWS)
            assert isinstance(condition, cdk.CfnCondition)
            node.cfn_options.condition = condition
        if kind in LEFT_OUT and node.node.scope is not None:
            node.node.scope.node.try_remove_child(node.node.id)
