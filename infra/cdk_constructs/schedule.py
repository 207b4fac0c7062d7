"""A function that runs by the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_constructs.function import Permission, ServiceFunction
from cdk_constructs.stack import ServiceStack


class Schedule(Construct):
    """Invokes a function's alias at the times of a cron or rate expression in a time zone.

    What cannot be invoked within an hour waits in `failures`, and so does what the function failed
    on three times: the Scheduler invokes it asynchronously and never learns of that.
    """

    def __init__(
        self,
        stack: ServiceStack,
        name: str,
        function: ServiceFunction,
        failures: sqs.IQueue,
        *,
        expression: str,
        time_zone: str = "UTC",
        payload: Mapping[str, object] | None = None,
    ) -> None:
        """`name` becomes part of the schedule's physical name."""
        super().__init__(stack, f"{name.capitalize()}Schedule")
        function.runs_asynchronously(failures)
        role = iam.Role(
            self,
            "Role",
            role_name=stack.global_name(f"{name}-schedule"),
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        for permission in (
            Permission(["lambda:InvokeFunction"], [function.alias.function_arn]),
            Permission(["sqs:SendMessage"], [failures.queue_arn]),
        ):
            role.add_to_policy(permission.statement())
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=stack.named(name),
            schedule_expression=expression,
            schedule_expression_timezone=time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.alias.function_arn,
                role_arn=role.role_arn,
                input=json.dumps(payload or {}),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=failures.queue_arn
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=int(cdk.Duration.hours(1).to_seconds()),
                    maximum_retry_attempts=2,
                ),
            ),
        )
        schedule.node.add_dependency(role)
