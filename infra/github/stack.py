"""Roles that GitHub's workflows assume by OpenID Connect: one that deploys a stage, one that looks.

Deployed once per account by hand; the repository's name is a parameter.
"""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.stack import PRODUCT
from cdk_constructs.stage import Stage

ISSUER: Final = "token.actions.githubusercontent.com"
QUALIFIER: Final = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER


class GithubStack(cdk.Stack):
    """Trusts the workflows of one repository, in one environment, and nobody else.

    Parameter `Repository` is `owner/name`. The role to deploy is for jobs of the GitHub environment
    that is named like the stage; the role to look is for pull requests.
    """

    def __init__(self, scope: Construct, stage: Stage) -> None:
        """One per account and stage."""
        name = f"{PRODUCT}-github-{stage.name}"
        super().__init__(scope, name, stack_name=name)
        self._stage = stage
        repository = cdk.CfnParameter(
            self,
            "Repository",
            allowed_pattern=r"[\w.-]+/[\w.-]+",
            description="owner/name of the GitHub repository",
        ).value_as_string
        self._provider = iam.CfnOIDCProvider(
            self, "Provider", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"]
        )
        deploy = self._role("deploy", f"repo:{repository}:environment:{stage.name}")
        self._may_deploy(deploy)
        self._may_operate(deploy)
        look = self._role("look", f"repo:{repository}:pull_request")
        self._may_assume(look, "lookup-role")
        for key, role in (("DeployRole", deploy), ("LookRole", look)):
            cdk.CfnOutput(self, key, value=role.role_arn)

    def _role(self, purpose: str, subject: str) -> iam.Role:
        return iam.Role(
            self,
            purpose.capitalize(),
            role_name=f"{PRODUCT}-github-{purpose}-{self._stage.name}",
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                self._provider.attr_arn,
                {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": subject,
                    }
                },
            ),
        )

    def _may_deploy(self, role: iam.Role) -> None:
        """What it deploys with are CDK's own bootstrap roles."""
        self._may_assume(role, "deploy-role", "file-publishing-role", "lookup-role")

    def _may_assume(self, role: iam.Role, *bootstrap_roles: str) -> None:
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    self.format_arn(
                        service="iam",
                        region="",
                        resource="role",
                        resource_name=f"cdk-{QUALIFIER}-{name}-{self.account}-{self.region}",
                    )
                    for name in bootstrap_roles
                ],
            )
        )

    def _may_operate(self, role: iam.Role) -> None:
        """Roll back and smoke-test what this stage runs."""
        prefix = f"{PRODUCT}-{self._stage.name}-*"
        allowed = {
            "lambda:GetAlias lambda:UpdateAlias lambda:ListVersionsByFunction": self.format_arn(
                service="lambda",
                resource="function",
                resource_name=prefix,
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            ),
            "lambda:InvokeFunction": self.format_arn(
                service="lambda",
                resource="function",
                resource_name=f"{PRODUCT}-{self._stage.name}-reporter-reconcile:live",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            ),
            "s3:GetObject s3:PutObject": self.format_arn(
                service="s3",
                region="",
                account="",
                resource=f"{PRODUCT}-contracts-{self._stage.name}-*",
                resource_name="*.whl",
            ),
            "ssm:GetParameters": self.format_arn(
                service="ssm", resource="parameter", resource_name=f"{PRODUCT}/{self._stage.name}/*"
            ),
            "execute-api:Invoke": self.format_arn(
                service="execute-api", resource="*", resource_name="$default/*"
            ),
            "cloudformation:DescribeStacks": self.format_arn(
                service="cloudformation", resource="stack", resource_name=f"{PRODUCT}-*"
            ),
            "codedeploy:ListDeploymentGroups": self._codedeploy("application", prefix),
            "codedeploy:ListDeployments": self._codedeploy("deploymentgroup", f"{prefix}/{prefix}"),
            "dynamodb:RestoreTableToPointInTime dynamodb:DescribeTable dynamodb:Scan": (
                self.format_arn(service="dynamodb", resource="table", resource_name=prefix)
            ),
            # A restored copy, and nothing else, may be filled and deleted.
            "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:DeleteTable dynamodb:GetItem"
            " dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem": self.format_arn(
                service="dynamodb", resource="table", resource_name=f"{prefix}-restored-*"
            ),
            # Neither knows resources.
            "codedeploy:StopDeployment lambda:ListFunctions": "*",
        }
        for actions, resource in allowed.items():
            role.add_to_policy(iam.PolicyStatement(actions=actions.split(), resources=[resource]))
            if "*" in resource:
                acknowledge(
                    role,
                    f"AwsSolutions-IAM5[Resource::{_as_nag_writes(resource)}]",
                    "Names of the stage's own resources, by their prefix; see the statement",
                    since="2026-11-22",
                )

    def _codedeploy(self, kind: str, name: str) -> str:
        return self.format_arn(
            service="codedeploy",
            resource=kind,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )


def _as_nag_writes(arn: str) -> str:
    """cdk-nag shows a pseudo parameter as `<AWS::Region>`; CDK's own token text will not do."""
    resolved = cdk.Stack().resolve(arn)
    if isinstance(resolved, str):
        return resolved
    parts = resolved["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in parts)
