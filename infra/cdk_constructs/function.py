"""A Lambda function of a service: its own role and log group, versions, the alias `live`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.alarms import ServiceAlarms
from cdk_constructs.emulator import ALSO_ASKED, ASKED_OF_ANY_RESOURCE
from cdk_constructs.stack import ServiceStack, commit_of_environment
from cdk_constructs.stage import Stage

RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
LIVE: Final = "live"


@dataclass(frozen=True)
class Permission:
    """What a function may do to which resources."""

    actions: Sequence[str]
    resources: Sequence[str]

    def statement(self, *, emulated: bool = False) -> iam.PolicyStatement:
        """The same as an IAM statement; `emulated` adds what only the embedded AWS asks for."""
        if not emulated:
            return iam.PolicyStatement(actions=list(self.actions), resources=list(self.resources))
        asked = [ALSO_ASKED[action] for action in self.actions if action in ALSO_ASKED]
        anywhere = ASKED_OF_ANY_RESOURCE.issuperset(self.actions)
        return iam.PolicyStatement(
            actions=[*self.actions, *asked],
            resources=["*"] if anywhere else list(self.resources),
        )


@dataclass(frozen=True)
class Package:
    """The code that all functions of a service share."""

    bundle: Path
    module: str
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


class ServiceFunction(Construct):
    """One handler of a service.

    Its role may write its own log group and its traces, and what `permissions` and the `consumes_*`
    methods add; nothing else. Triggers go to the alias `live`, which a deployment moves.
    """

    def __init__(
        self,
        stack: ServiceStack,
        alarms: ServiceAlarms,
        name: str,
        package: Package,
        *,
        environment: Mapping[str, str],
        permissions: Sequence[Permission],
        timeout: cdk.Duration,
        memory_mb: int = 512,
    ) -> None:
        """`name` is the handler's module in the service's `entrypoints`."""
        super().__init__(stack, _pascal(name))
        self._stack = stack
        self.alarms = alarms
        self.physical_name = stack.named(name)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{self.physical_name}",
            retention=retention_of(stack.deploy_stage),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.role = _role(self, stack.global_name(name), self.log_group)
        for permission in permissions:
            self.role.add_to_policy(permission.statement(emulated=stack.deploy_stage.emulated))
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.physical_name,
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(package.bundle)),
            handler=f"{package.module}.entrypoints.{name}.handler",
            role=self.role.without_policy_updates(),
            log_group=self.log_group,
            timeout=timeout,
            memory_size=memory_mb,
            environment={**_identity(stack, package), **package.environment, **environment},
            current_version_options=lambda_.VersionOptions(
                removal_policy=cdk.RemovalPolicy.RETAIN,
                description=f"{package.version} {commit_of_environment()}",
            ),
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            "Python 3.13 is what the bundles' wheels are resolved and tested for",
            since="2026-11-22",
        )
        # The function must not start before its role may do what it needs.
        self.function.node.add_dependency(self.role)
        self.alias = lambda_.Alias(
            self, "Live", alias_name=LIVE, version=self.function.current_version
        )

    def consumes_queue(
        self,
        queue: sqs.IQueue,
        *,
        batch: int = 10,
        window: cdk.Duration | None = None,
        max_concurrency: int,
    ) -> None:
        """Read an SQS queue, in batches whose failed messages alone come back.

        `window` is how long messages are gathered for a batch; a FIFO queue has none.

        Without `max_concurrency` (2 at least) one queue can take the whole account's concurrency,
        and the throttled batches of the others end in their dead-letter queues.
        """
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                resources=[queue.queue_arn],
            )
        )
        lambda_.EventSourceMapping(
            self,
            "FromQueue",
            target=self.alias,
            event_source_arn=queue.queue_arn,
            batch_size=batch,
            max_batching_window=window,
            report_batch_item_failures=True,
            max_concurrency=max_concurrency,
        )

    def consumes_stream(
        self,
        table: dynamodb.Table,
        failures: sqs.IQueue,
        *,
        batch: int = 100,
        window: cdk.Duration | None = None,
        patterns: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Read a table's stream from its oldest record; what fails for long goes to `failures`."""
        self.alarms.watch_reader(self.physical_name, window or cdk.Duration.seconds(0))
        stream = table.table_stream_arn
        assert stream is not None, "the table has no stream"
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                ],
                resources=[stream],
            )
        )
        # ListStreams knows no resources: on a stream it would be refused.
        self.role.add_to_policy(Permission(["dynamodb:ListStreams"], ["*"]).statement())
        acknowledge(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            "ListStreams knows no resources",
            since="2026-11-28",
        )
        self.role.add_to_policy(Permission(["sqs:SendMessage"], [failures.queue_arn]).statement())
        lambda_.EventSourceMapping(
            self,
            "FromStream",
            target=self.alias,
            event_source_arn=stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=batch,
            max_batching_window=window,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=20,
            max_record_age=cdk.Duration.hours(12),
            parallelization_factor=1,
            on_failure=event_sources.SqsDlq(failures),
            filters=[lambda_.FilterCriteria.filter(dict(pattern)) for pattern in patterns] or None,
        )

    def runs_asynchronously(self, failures: sqs.IQueue) -> None:
        """A rule or a schedule starts it: what two retries do not save waits in `failures`."""
        self.role.add_to_policy(Permission(["sqs:SendMessage"], [failures.queue_arn]).statement())
        self.alias.configure_async_invoke(
            on_failure=destinations.SqsDestination(failures), retry_attempts=2
        )


def _identity(stack: ServiceStack, package: Package) -> dict[str, str]:
    """What every handler knows of itself; `GET /health` and every log line show it."""
    return {
        "STAGE": stack.deploy_stage.name,
        "SERVICE_VERSION": package.version,
        "COMMIT": commit_of_environment(),
        "POWERTOOLS_SERVICE_NAME": stack.service,
        "POWERTOOLS_METRICS_NAMESPACE": "CvAnalytics",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        **_collector(),
    }


def _collector() -> dict[str, str]:
    """Where spans go to: `OTLP=<endpoint>` at deployment; by default there are none."""
    endpoint = os.environ.get("OTLP")
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}


def _role(scope: Construct, name: str, log_group: logs.LogGroup) -> iam.Role:
    role = iam.Role(
        scope,
        "Role",
        role_name=name,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
    )
    return role


def retention_of(stage: Stage) -> logs.RetentionDays:
    """How long a stage keeps its logs."""
    return {
        1: logs.RetentionDays.ONE_DAY,
        14: logs.RetentionDays.TWO_WEEKS,
        90: logs.RetentionDays.THREE_MONTHS,
    }[stage.log_retention_days]


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("-", "_").split("_"))
