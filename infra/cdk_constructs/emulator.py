"""Everything that the embedded AWS lacks, in one place.

The templates of all stages come from the same code. For the `local` stage this aspect takes out
the resources named here; whatever else differs is a field of `cdk_constructs.stage.Stage`.
The README of `infra` shows these lists; a test compares.
"""

from __future__ import annotations

from typing import Any, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

LEFT_OUT: Final = {
    "AWS::Budgets::Budget": "nothing costs anything there",
    "AWS::CodeDeploy::Application": "aliases move at once",
    "AWS::CodeDeploy::DeploymentGroup": "aliases move at once",
    "AWS::Events::Archive": "reconciliation and republishing do not need it",
}

# What is in the templates, and does nothing there; tests must not lean on it.
WITHOUT_EFFECT: Final = {
    "policy of an event bus": "any source may put events, any rule may listen",
    "reserved concurrency": "a function with an alias is not throttled",
    "time zone of a schedule": "it runs by UTC",
    "TLS": "it speaks plain HTTP on 127.0.0.1, so queues, topics and buckets do not insist on it",
}

# What is in the `local` templates alone.
ADDED: Final = {"AWS::SES::EmailIdentity": "on AWS it is the account's, in a stack of its own"}

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
    """Removes the resources of the types in `LEFT_OUT` from a template."""

    def visit(self, node: IConstruct) -> None:
        """Called by CDK for every construct."""
        if not isinstance(node, cdk.CfnResource):
            return
        kind: Any = node.cfn_resource_type
        if isinstance(node, lambda_.CfnAlias):
            node.cfn_options.update_policy = None  # it names the CodeDeploy group
        if kind in LEFT_OUT and node.node.scope is not None:
            node.node.scope.node.try_remove_child(node.node.id)
