"""Deployments that prove themselves on a tenth of the traffic, and go back by themselves."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.function import ServiceFunction
from cdk_constructs.stack import ServiceStack


class Canary(Construct):
    """CodeDeploy in front of the aliases of all functions of a stack.

    In a stage with `canary`, a new version gets 10 % of the invocations for five minutes; an alarm
    meanwhile puts the alias back. Elsewhere the alias moves at once, and goes back likewise.
    """

    def __init__(self, stack: ServiceStack, functions: list[ServiceFunction]) -> None:
        """Declare after all functions and alarms of the stack."""
        super().__init__(stack, "Canary")
        configuration = (
            codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES
            if stack.deploy_stage.canary
            else codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE
        )
        application = codedeploy.LambdaApplication(
            self, "Application", application_name=stack.base_name
        )
        role = self._role(stack, functions)
        for function in functions:
            group = codedeploy.LambdaDeploymentGroup(
                self,
                function.node.id,
                application=application,
                deployment_group_name=function.physical_name,
                alias=function.alias,
                deployment_config=configuration,
                alarms=list[cloudwatch.IAlarm]([function.errors]),
                auto_rollback=codedeploy.AutoRollbackConfig(
                    failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
                ),
                role=role.without_policy_updates(),
            )
            group.node.add_dependency(role)

    def _role(self, stack: ServiceStack, functions: list[ServiceFunction]) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            role_name=stack.named("canary"),
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:GetAlias", "lambda:UpdateAlias"],
                # IAM authorises both on the function without a qualifier. The alias's ARN would
                # also close a cycle: the alias's UpdatePolicy waits for this role.
                resources=[function.function.function_arn for function in functions],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="AlarmStates",
                actions=["cloudwatch:DescribeAlarms"],
                # CodeDeploy asks for several alarms at once, which needs the wide scope.
                resources=["*"],
            )
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "CodeDeploy reads the states of several alarms in one call",
            since="2026-11-22",
        )
        return role
