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
        "nothing sends mail there; `make status` shows all alarms",
        f"{LINT}, `test_alarms`",
    ),
    "AWS::CloudWatch::Dashboard": Gap(
        "it has no alarms to show; `make status` shows the rest", f"{LINT}, `test_alarms`"
    ),
    "AWS::CodeDeploy::Application": Gap("aliases move at once", f"{LINT}, `test_names`"),
    "AWS::CodeDeploy::DeploymentGroup": Gap(
        "aliases move at once", f"{LINT}, `rules.canaries`, `rules.permissions_of_codedeploy`"
    ),
    "AWS::Events::Archive": Gap(
        "reconciliation and republishing do not need it",
        f"{LINT}, `rules.archives`, `test_second_engine`",
    ),
    "AWS::Logs::QueryDefinition": Gap("`make logs` reads the logs", LINT),
}

# CloudFormation there refuses metric math. The definition stays in the template under a type that
# makes nothing, and the meter of `make up` (`tools/observe`) reads and evaluates it.
REPLACED: Final = {
    "AWS::CloudWatch::Alarm": Gap(
        "metric math and missing data are not evaluated; `make up` does it, by the definition",
        f"{LINT}, `test_alarms`",
    ),
}
PLACEHOLDER: Final = "AWS::CloudFormation::WaitConditionHandle"

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


@jsii.implements(cdk.IAspect)
class LeaveOutWhatTheEmulatorLacks:
    """Removes the resources of the types in `LEFT_OUT`, and replaces those in `REPLACED`."""

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for every construct."""
        if not isinstance(node, cdk.CfnResource):
            return
        kind: Any = node.cfn_resource_type
        if isinstance(node, lambda_.CfnAlias):
            node.cfn_options.update_policy = None  # it names the CodeDeploy group
        if kind in REPLACED:
            node.add_override("Type", PLACEHOLDER)
        if kind in LEFT_OUT and node.node.scope is not None:
            node.node.scope.node.try_remove_child(node.node.id)
