"""A service's own event bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_constructs.stack import ServiceStack


class ServiceBus(Construct):
    """The bus that one service publishes on, and others put their rules on.

    Its policy refuses events of any source but the owner's (`admits`), whatever the sender's role
    allows, and refuses rules that name no source: nobody may listen to everything.
    """

    def __init__(self, stack: ServiceStack, *, admits: Sequence[str]) -> None:
        """`admits` are the sources whose events may be put on the bus."""
        super().__init__(stack, "Bus")
        self.bus = events.EventBus(self, "Bus", event_bus_name=stack.base_name)
        resource = self.bus.node.default_child
        assert isinstance(resource, events.CfnEventBus)
        resource.policy = self._policy(stack, admits)
        events.Archive(
            self,
            "Archive",
            source_event_bus=self.bus,
            archive_name=stack.base_name,
            description="What was published, to replay to a consumer that lost it",
            event_pattern=events.EventPattern(source=list(admits)),
            retention=cdk.Duration.days(stack.deploy_stage.archive_days),
        )

    @staticmethod
    def _policy(stack: ServiceStack, admits: Sequence[str]) -> dict[str, Any]:
        bus_arn = stack.format_arn(
            service="events", resource="event-bus", resource_name=stack.base_name
        )
        rules = stack.format_arn(
            service="events", resource="rule", resource_name=f"{stack.base_name}/*"
        )
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyItsOwnSources",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "events:PutEvents",
                    "Resource": bus_arn,
                    "Condition": {"StringNotEquals": {"events:source": list(admits)}},
                },
                {
                    "Sid": "OnlyRulesThatNameASource",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "events:PutRule",
                    "Resource": rules,
                    "Condition": {"Null": {"events:source": "true"}},
                },
            ],
        }
