"""AWS's quotas that the stacks of a region count against, as an account has them by default.

From the service's pages in the AWS documentation, "Quotas", read 2025-11; per account and region
unless a line says otherwise. What is created at run time (items, messages) has none that matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from testing.template import Template, of_type

PER_REGION: Final = {
    "AWS::ApiGatewayV2::Api": 600,
    "AWS::CloudWatch::Alarm": 5_000,
    "AWS::CodeDeploy::Application": 1_000,
    "AWS::DynamoDB::Table": 2_500,
    "AWS::Events::EventBus": 100,
    "AWS::IAM::ManagedPolicy": 1_500,
    "AWS::IAM::Role": 1_000,
    "AWS::SNS::Topic": 100_000,
    "AWS::SSM::Parameter": 10_000,
}
# In the regions with the least.
RULES_PER_BUS: Final = 100
TARGETS_PER_RULE: Final = 5
ROUTES_PER_API: Final = 300
FILTERS_PER_LOG_GROUP: Final = 100
RESOURCES_PER_STACK: Final = 500
# Lambda: code of all versions of all functions; executions at once.
CODE_STORAGE_MB: Final = 75_000
CONCURRENCY: Final = 1_000
# What an account has in its first weeks, until AWS raises it or is asked to.
CONCURRENCY_OF_A_NEW_ACCOUNT: Final = 10


def exceeded(templates: Iterable[Template]) -> Iterator[str]:
    """Quotas that the stacks of one region exceed together, or one resource alone."""
    templates = list(templates)
    counts = Counter(r["Type"] for template in templates for r in resources(template))
    for kind, quota in PER_REGION.items():
        if counts[kind] > quota:
            yield f"{counts[kind]} of {kind}, {quota} allowed"
    for template in templates:
        number = len(list(resources(template)))
        if number > RESOURCES_PER_STACK:
            yield f"a stack of {number} resources, {RESOURCES_PER_STACK} allowed"
        for parent, key, quota in (
            ("AWS::Events::Rule", "EventBusName", RULES_PER_BUS),
            ("AWS::ApiGatewayV2::Route", "ApiId", ROUTES_PER_API),
            ("AWS::Logs::MetricFilter", "LogGroupName", FILTERS_PER_LOG_GROUP),
        ):
            of_parent = Counter(str(p.get(key)) for _, p in of_type(template, parent))
            for name, count in of_parent.items():
                if count > quota:
                    yield f"{count} of {parent} at {name}, {quota} allowed"
        for rule, properties in of_type(template, "AWS::Events::Rule"):
            if len(properties.get("Targets", [])) > TARGETS_PER_RULE:
                yield f"{rule} has more than {TARGETS_PER_RULE} targets"


def resources(template: Template) -> Iterator[Mapping[str, Any]]:
    """All resources of a template."""
    yield from template.get("Resources", {}).values()


def queue_consumers(template: Template) -> int:
    """How many executions the queues of a template may take at once; streams wait and lose none.

    A queue's message that a throttled function refuses five times is in the dead-letter queue.
    """
    scaling = [
        properties["ScalingConfig"]["MaximumConcurrency"]
        for _, properties in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "ScalingConfig" in properties
    ]
    return sum(scaling)
