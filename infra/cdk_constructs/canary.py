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
from cdk_constructs.alarms import ONE_MINUTE, Advice, ServiceAlarms, of_function, together
from cdk_constructs.function import ServiceFunction
from cdk_constructs.stack import ServiceStack, commit_of_environment

# Metrics of single commits are kept apart from the services' own.
VERSION_NAMESPACE: Final = "CvAnalytics/Versions"
# What the filter reads of the services' log lines: a test holds them against what is logged.
COMMIT_FIELD: Final = "commit"
FAILURES_FIELD: Final = "failures"
STATUS_FIELD: Final = "status"
LOG_FIELDS: Final = (COMMIT_FIELD, FAILURES_FIELD, STATUS_FIELD)
ERRORS: Final = Advice(
    "page",
    "A function raises, or reports messages that it failed on",
    "Read the lines with `failures` > 0, and the exceptions, in the functions' logs",
)


class Canary(Construct):
    """CodeDeploy in front of the aliases of all functions of a stack.

    In a stage with `canary`, a new version gets 10 % of the invocations for five minutes. One alarm
    on the service's new versions alone puts all aliases back: errors of the old versions, which a
    deployment may be there to mend, do not count. Elsewhere the aliases move at once.
    """

    def __init__(
        self, stack: ServiceStack, functions: list[ServiceFunction], alarms: ServiceAlarms
    ) -> None:
        """Declare after all functions of the stack."""
        super().__init__(stack, "Canary")
        canary = stack.deploy_stage.canary
        application = codedeploy.LambdaApplication(
            self, "Application", application_name=stack.base_name
        )
        role = self._role(stack, functions)
        alarm = errors_alarm(stack, functions, alarms)
        for function in functions:
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


def errors_alarm(
    stack: ServiceStack, functions: list[ServiceFunction], alarms: ServiceAlarms
) -> cloudwatch.Alarm:
    """The alarm on the errors of a service's functions, by which a canary is judged, too.

    A handler reports the messages that it failed on instead of raising, and the API answers 500
    instead of raising. Where a canary needs it, both are counted from the log lines of the deployed
    commit: a dead-letter queue shows them only after five attempts, longer than the canary lasts.

    There the alarm counts the deployed versions alone. The number of one is part of its name (all
    functions share their code and settings, so all get new versions): each deployment gets an alarm
    in its first state. One that is kept would still be in ALARM because of the version before.
    """
    if not stack.deploy_stage.canary:
        raised = {f.physical_name: _raised(f) for f in functions}
        return alarms.add("errors", together("SUM", raised, ONE_MINUTE), ERRORS)
    numbers = [function.function.current_version.version for function in functions]
    counted = {
        **{
            f.physical_name: _raised(f, ExecutedVersion=n)
            for f, n in zip(functions, numbers, strict=True)
        },
        stack.named("reported"): _reported(stack, functions),
    }
    return alarms.add(f"errors:-{numbers[0]}", together("SUM", counted, ONE_MINUTE), ERRORS)


def _raised(function: ServiceFunction, **version: str) -> cloudwatch.Metric:
    return of_function(function.physical_name, "Errors", period=ONE_MINUTE, **version)


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


def _reported(stack: ServiceStack, functions: list[ServiceFunction]) -> cloudwatch.Metric:
    """Log lines of the deployed commit that report failures: one metric for all functions."""
    for function in functions:
        logs.MetricFilter(
            function,
            "ReportedFailures",
            log_group=function.log_group,
            filter_name="reported-failures",
            filter_pattern=logs.FilterPattern.literal(
                f"{{ ($.{FAILURES_FIELD} > 0) || ($.{STATUS_FIELD} >= 500) }}"
            ),
            metric_namespace=VERSION_NAMESPACE,
            metric_name=stack.base_name,
            metric_value="1",
            dimensions={COMMIT_FIELD: f"$.{COMMIT_FIELD}"},
        )
    return cloudwatch.Metric(
        namespace=VERSION_NAMESPACE,
        metric_name=stack.base_name,
        dimensions_map={COMMIT_FIELD: commit_of_environment()},
        period=ONE_MINUTE,
        statistic="Sum",
    )
