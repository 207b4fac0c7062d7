"""The roles that GitHub's workflows assume by OpenID Connect: no keys, and no administrator.

For every deployable of a stage there is one role that its workflow assumes, one that CloudFormation
uses on its behalf, and, if its stack makes roles, a boundary that limits them. None of them assumes
a role of CDK's bootstrap: those reach every stack of the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.stack import PRODUCT
from cdk_constructs.stage import Stage
from github import permissions
from github.permissions import Grant, Names
from github.trust import (
    AUDIENCE,
    ISSUER,
    REPOSITORY_PATTERN,
    Repository,
    by_environment,
    by_pull_request,
)

UNITS: Final = ("contracts", "processor", "reporter")
# The nightly restore may take 90 minutes; the workflow asks for a session as long as this.
UPKEEP_SESSION: Final = cdk.Duration.hours(2)
SINCE: Final = "2026-11-28"


class GithubProviderStack(cdk.Stack):
    """GitHub as an identity provider of the account. An account has one, whoever made it: deploy
    this stack only where there is none. It stays when the stack goes, because others may use it."""

    def __init__(self, scope: Construct) -> None:
        """One per account."""
        name = f"{PRODUCT}-github-provider"
        super().__init__(
            scope, name, stack_name=name, synthesizer=cdk.CliCredentialsStackSynthesizer()
        )
        provider = iam.CfnOIDCProvider(
            self, "Provider", url=f"https://{ISSUER}", client_id_list=[AUDIENCE]
        )
        provider.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)


class GithubStack(cdk.Stack):
    """All roles of one stage's pipelines. One per stage, account and region.

    Parameter `Repository` is `owner/name`, or `owner@id/name@id` to trust these numbers alone.
    """

    def __init__(self, scope: Construct, stage: Stage) -> None:
        """The provider must be in the account when it deploys."""
        name = f"{PRODUCT}-github-{stage.name}"
        super().__init__(
            scope, name, stack_name=name, synthesizer=cdk.CliCredentialsStackSynthesizer()
        )
        self._stage = stage
        parameter = cdk.CfnParameter(
            self,
            "Repository",
            allowed_pattern=REPOSITORY_PATTERN,
            description="owner/name of the GitHub repository, or owner@id/name@id",
        )
        self._repository = Repository(parameter.value_as_string)
        for unit in UNITS:
            self._pipeline(Names(stage.name, unit))
        self._upkeep()
        self._diff()

    def _pipeline(self, names: Names) -> None:
        """The three of one deployable."""
        title = names.unit.capitalize()
        makes_roles = names.unit != "contracts"
        boundary = self._boundary(names, f"{title}Boundary") if makes_roles else ""
        execution = iam.Role(
            self,
            f"{title}Execution",
            role_name=self._name(f"{names.unit}-execution"),
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
        )
        _grant(execution, permissions.executing(names, boundary))
        deploy = iam.Role(
            self,
            f"{title}Deploy",
            role_name=self._name(names.unit),
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=by_environment(self._repository, f"{names.unit}-{self._stage.name}"),
        )
        _grant(deploy, permissions.deploying(names, execution.role_arn))
        _grant(deploy, permissions.operating(names))
        self._output(f"{title}DeployRole", deploy.role_arn)
        self._output(f"{title}ExecutionRole", execution.role_arn)

    def _boundary(self, names: Names, construct_id: str) -> str:
        """The ARN of the boundary, whose name is that of the execution role."""
        policy = iam.ManagedPolicy(
            self,
            construct_id,
            managed_policy_name=self._name(f"{names.unit}-execution"),
            description="The most that any role of this deployable may do",
        )
        grants = list(permissions.bounding(names))
        policy.add_statements(*(_statement(grant) for grant in grants))
        _acknowledge(policy, grants)
        return policy.managed_policy_arn

    def _upkeep(self) -> None:
        role = iam.Role(
            self,
            "Upkeep",
            role_name=self._name("upkeep"),
            max_session_duration=UPKEEP_SESSION,
            assumed_by=by_environment(self._repository, f"upkeep-{self._stage.name}"),
        )
        _grant(role, permissions.upkeep(self._stage.name))
        self._output("UpkeepRole", role.role_arn)

    def _diff(self) -> None:
        role = iam.Role(
            self,
            "Diff",
            role_name=self._name("diff"),
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=by_pull_request(self._repository),
        )
        _grant(role, permissions.looking(self._stage.name))
        self._output("DiffRole", role.role_arn)

    def _name(self, purpose: str) -> str:
        """IAM's names are of the account; the region keeps two regions of one stage apart."""
        return f"{PRODUCT}-github-{self._stage.name}-{purpose}-{self.region}"

    def _output(self, key: str, value: str) -> None:
        cdk.CfnOutput(self, key, value=value)


def _statement(grant: Grant) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=grant.full_actions,
        resources=list(grant.resources),
        conditions=dict(grant.conditions) or None,
    )


def _grant(role: iam.Role, grants: Iterable[Grant]) -> None:
    given = list(grants)
    for grant in given:
        role.add_to_policy(_statement(grant))
    _acknowledge(role, given)


def _acknowledge(construct: Construct, grants: Iterable[Grant]) -> None:
    """cdk-nag asks for a reason for every wildcard in a resource."""
    reasons = {
        resource: grant.why for grant in grants for resource in grant.resources if "*" in resource
    }
    for resource, why in reasons.items():
        rule = f"AwsSolutions-IAM5[Resource::{_as_nag_writes(resource)}]"
        acknowledge(construct, rule, why, since=SINCE)


def _as_nag_writes(arn: str) -> str:
    """cdk-nag shows a pseudo parameter as `<AWS::Region>`; CDK's own token text will not do."""
    resolved = cdk.Stack().resolve(arn)
    if isinstance(resolved, str):
        return resolved
    parts = resolved["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in parts)
