"""Deployments that judge a new version on a tenth of the traffic, and roll back by themselves."""

from __future__ import annotations

import os
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.function import LIVE, ServiceFunction
from cdk_constructs.stack import ServiceStack

# Metrics of single versions are kept apart from the services' own.
VERSION_NAMESPACE: Final = "CvAnalytics/Versions"
# Fields of every log line that the filter reads; the services' `observability` writes them.
LOG_FIELDS: Final = ("function_version", "failures", "status")


class Canary(Construct):
    """CodeDeploy in front of the aliases of all functions of a stack.

    In a stage with `canary`, a new version gets 10 % of the invocations for five minutes. An alarm
    on the new version alone puts the alias back: errors of the old version, which a deployment may
    be there to mend, do not count. Elsewhere the alias moves at once.
    """

    def __init__(self, stack: ServiceStack, functions: list[ServiceFunction]) -> None:
        """Declare after all functions of the stack."""
        super().__init__(stack, "Canary")
        canary = stack.deploy_stage.canary
        application = codedeploy.LambdaApplication(
            self, "Application", application_name=stack.base_name
        )
        role = self._role(stack, functions)
        for function in functions:
            alarm = version_alarm(stack, function) if canary else function.errors
            group = codedeploy.LambdaDeploymentGroup(
                self,
                function.node.id,
                application=application,
                deployment_group_name=function.physical_name,
                alias=function.alias,
                deployment_config=_configuration(canary),
                alarms=[alarm],
                auto_rollback=codedeploy.AutoRollbackConfig(
                    failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
                ),
                role=role.without_policy_updates(),
            )
            group.node.add_dependency(role)
            if moves_aliases_directly():
                _move_directly(function)

    def _role(self, stack: ServiceStack, functions: list[ServiceFunction]) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            role_name=stack.global_name("canary"),
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


def version_alarm(stack: ServiceStack, function: ServiceFunction) -> cloudwatch.Alarm:
    """An alarm on the version that is being deployed: what it raised, failed on or answered 5xx.

    A handler reports the messages that it failed on instead of raising, and the API answers 500
    instead of raising; both are counted from the log lines of that version. Its dead-letter queue
    shows them only after five attempts, longer than the canary lasts.

    The version is part of the alarm's name, so each deployment gets an alarm in its first state.
    One that is kept would still be in ALARM because of the version before.
    """
    version = function.function.current_version.version
    reported = _failures_by_version(function)
    alarm = cloudwatch.Alarm(
        function,
        "VersionAlarm",
        alarm_name=f"{function.physical_name}-version-{version}",
        alarm_description=f"The new version of {function.physical_name} fails: it is rolled back",
        metric=cloudwatch.MathExpression(
            expression="FILL(errors, 0) + FILL(reported, 0)",
            period=cdk.Duration.minutes(1),
            label="errors of the version",
            using_metrics={
                "errors": cloudwatch.Metric(
                    namespace="AWS/Lambda",
                    metric_name="Errors",
                    dimensions_map={
                        "FunctionName": function.physical_name,
                        "Resource": f"{function.physical_name}:{LIVE}",
                        "ExecutedVersion": version,
                    },
                    statistic="Sum",
                ),
                "reported": cloudwatch.Metric(
                    namespace=VERSION_NAMESPACE,
                    metric_name=reported,
                    dimensions_map={"function_version": version},
                    statistic="Sum",
                ),
            },
        ),
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    function.alarms.notify(alarm)
    return alarm


def moves_aliases_directly() -> bool:
    """Whether this deployment leaves CodeDeploy out: `CANARY=off`, after a manual rollback.

    CloudFormation tells CodeDeploy the version of its own last deployment as the current one. After
    `make rollback-X` the alias is elsewhere, and CodeDeploy may refuse to move it.
    """
    return os.environ.get("CANARY") == "off"


def _move_directly(function: ServiceFunction) -> None:
    resource = function.alias.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.cfn_options.update_policy = None


def _configuration(canary: bool) -> codedeploy.ILambdaDeploymentConfig:
    if canary:
        return codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES
    return codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE


def _failures_by_version(function: ServiceFunction) -> str:
    """Count the log lines that report failures, by version; returns the metric's name."""
    name = function.physical_name
    logs.MetricFilter(
        function,
        "ReportedFailures",
        log_group=function.log_group,
        filter_name="reported-failures",
        filter_pattern=logs.FilterPattern.literal("{ ($.failures > 0) || ($.status >= 500) }"),
        metric_namespace=VERSION_NAMESPACE,
        metric_name=name,
        metric_value="1",
        dimensions={"function_version": "$.function_version"},
    )
    return name
