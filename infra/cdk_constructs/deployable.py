"""A whole service: its table, its bus, its functions, its API, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_constructs.alarms import ServiceAlarms
from cdk_constructs.budget import monthly_budget
from cdk_constructs.bus import ServiceBus
from cdk_constructs.canary import Canary
from cdk_constructs.dashboard import ServiceDashboard
from cdk_constructs.function import Package, Permission, ServiceFunction
from cdk_constructs.http_api import ServiceApi
from cdk_constructs.stack import ServiceStack
from cdk_constructs.stage import Stage
from cdk_constructs.table import KeyIndex, index_arn, service_table


class Deployable(ServiceStack):
    """The stack of a service that deploys alone, into an empty account.

    A subclass sets `package`, declares queues, functions and API, and calls `complete` at the end.
    """

    package: Package

    def __init__(
        self,
        scope: Construct,
        service: str,
        stage: Stage,
        version: str,
        *,
        indexes: Sequence[KeyIndex],
        publishes: str,
        admits: Sequence[str] = (),
    ) -> None:
        """`indexes` are the table's.

        `publishes` is the source of the service's own events; events of the sources `admits` may
        be put on its bus, too.
        """
        super().__init__(scope, service, stage, version=version)
        if not stage.emulated:
            self._limit_roles()
        self.alarms = ServiceAlarms(self)
        self.functions: list[ServiceFunction] = []
        self.table = service_table(self, indexes)
        self.bus = ServiceBus(self, publishes=publishes, admits=admits).bus

    def _limit_roles(self) -> None:
        """A pipeline gives the boundary of all roles as a parameter; without it there is none."""
        boundary = cdk.CfnParameter(
            self,
            "PermissionsBoundary",
            default="",
            description="ARN of the managed policy that limits every role of this stack",
        )
        given = cdk.CfnCondition(
            self,
            "HasBoundary",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(boundary.value_as_string, "")),
        )
        arn = cdk.Fn.condition_if(given.logical_id, boundary.value_as_string, cdk.Aws.NO_VALUE)
        policy = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", arn.to_string())
        iam.PermissionsBoundary.of(self).apply(policy)
        # CDK validates the parameter's empty default, which the condition keeps from any role.
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::F3033",
                reason="The empty default of PermissionsBoundary never reaches a role (2026-11-28)",
            )
        )

    def function(
        self,
        name: str,
        environment: Mapping[str, str],
        permissions: Sequence[Permission],
        timeout: cdk.Duration | None = None,
        memory_mb: int = 512,
    ) -> ServiceFunction:
        """One handler of the service; `name` is its module in `entrypoints`.

        Without a `timeout` it has the stage's time for a batch.
        """
        function = ServiceFunction(
            self,
            self.alarms,
            name,
            self.package,
            environment=environment,
            permissions=permissions,
            timeout=timeout or cdk.Duration.seconds(self.deploy_stage.batch_seconds),
            memory_mb=memory_mb,
        )
        self.functions.append(function)
        return function

    def gathered_for(self, seconds: int) -> cdk.Duration | None:
        """How long a batch is gathered; not at all on the embedded AWS, where tests wait for it."""
        return None if self.deploy_stage.emulated else cdk.Duration.seconds(seconds)

    def on_table(self, *actions: str) -> Permission:
        """DynamoDB actions (`GetItem`) on the service's own table, without its indexes."""
        return Permission([f"dynamodb:{action}" for action in actions], [self.table.table_arn])

    def query_index(self, *indexes: str) -> Permission:
        """`Query` on some indexes of the service's own table."""
        return Permission(["dynamodb:Query"], [index_arn(self.table, index) for index in indexes])

    def admit_rule(self, queue: sqs.Queue, name: str, sid: str) -> None:
        """Allow the rule of that name, on any bus, to send to a queue of this service."""
        rule = self.format_arn(
            service="events", resource="rule", resource_name=f"*/{self.named(name)}"
        )
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rule}},
            )
        )

    def complete(
        self, api: ServiceApi, counts: Sequence[str] = (), lags: Sequence[str] = ()
    ) -> None:
        """After all functions: canaries, alarms, dashboard, budget, what every service publishes.

        `counts` and `lags` are the service's own metrics on its dashboard.
        """
        Canary(self, self.functions, self.alarms)
        self.alarms.complete()
        ServiceDashboard(self, self.alarms, self.functions, api, self.table, counts, lags)
        monthly_budget(self, self.alarms)
        self.publish("bus-name", self.bus.event_bus_name)
        self.publish("bus-arn", self.bus.event_bus_arn)
        self.publish("api-url", api.url)
        self.publish("api-arn", api.invoke_arn_root)
        self.output("ApiUrl", api.url)
        self.output("TableName", self.table.table_name)
        self.output("BusName", self.bus.event_bus_name)
