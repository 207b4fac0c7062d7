"""A service's own event bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_events as events
from constructs import Construct

from cdk_constructs.stack import ServiceStack


class ServiceBus(Construct):
    """The bus that one service publishes on, and others put their rules on.

    Its policy refuses events of any source but those named, whatever the sender's role
    allows, and refuses rules that name no source. It has no archive: an erasure would not reach
    that (docs/decisions/0030).
    """

    def __init__(self, stack: ServiceStack, *, publishes: str, admits: Sequence[str] = ()) -> None:
        """`publishes` is the service's own source; `admits` are sources of others."""
        super().__init__(stack, "Bus")
        self.bus = events.EventBus(self, "Bus", event_bus_name=stack.base_name)
        resource = self.bus.node.default_child
        assert isinstance(resource, events.CfnEventBus)
        resource.policy = self._policy(stack, [publishes, *admits])

    @staticmethod
    def _policy(stack: ServiceStack, sources: Sequence[str]) -> dict[str, Any]:
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
                    "Condition": {"StringNotEquals": {"events:source": sources}},
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
