"""Physical names: how long they may be, and within what each must be the only one.

Lengths and scopes are from the CloudFormation reference of each type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from testing.arns import text
from testing.template import Template

Scope = Literal["account", "region", "stack"]


@dataclass(frozen=True)
class Name:
    """A resource's physical name, its type, and the longest that AWS takes."""

    kind: str
    name: str
    longest: int
    scope: Scope


# Property of the name, greatest length, scope. `stack`: the name is within a resource of the stack.
NAMED: Final[dict[str, tuple[str, int, Scope]]] = {
    "AWS::ApiGatewayV2::Api": ("Name", 128, "stack"),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255, "region"),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", 255, "region"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255, "region"),
    "AWS::CodeDeploy::Application": ("ApplicationName", 100, "region"),
    "AWS::CodeDeploy::DeploymentGroup": ("DeploymentGroupName", 100, "stack"),
    "AWS::DynamoDB::Table": ("TableName", 255, "region"),
    "AWS::Events::Archive": ("ArchiveName", 48, "region"),
    "AWS::Events::EventBus": ("Name", 256, "region"),
    "AWS::Events::Rule": ("Name", 64, "region"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128, "account"),
    "AWS::IAM::Policy": ("PolicyName", 128, "stack"),
    "AWS::IAM::Role": ("RoleName", 64, "account"),
    "AWS::Lambda::Function": ("FunctionName", 64, "region"),
    "AWS::Logs::LogGroup": ("LogGroupName", 512, "region"),
    "AWS::Logs::MetricFilter": ("FilterName", 512, "stack"),
    "AWS::Logs::QueryDefinition": ("Name", 255, "region"),
    "AWS::SES::ConfigurationSet": ("Name", 64, "region"),
    "AWS::SES::EmailIdentity": ("EmailIdentity", 320, "region"),
    "AWS::SNS::Topic": ("TopicName", 256, "region"),
    "AWS::SQS::Queue": ("QueueName", 80, "region"),
    "AWS::SSM::Parameter": ("Name", 1011, "region"),
    "AWS::Scheduler::Schedule": ("Name", 64, "region"),
}


def names_in(template: Template) -> Iterator[Name]:
    """Every fixed name of a template."""
    for resource in template.get("Resources", {}).values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind == "AWS::Budgets::Budget":
            yield Name(kind, text(template, properties["Budget"]["BudgetName"]), 100, "account")
        elif kind == "AWS::IAM::OIDCProvider":
            yield Name(kind, text(template, properties["Url"]), 255, "account")
        elif kind in NAMED:
            key, longest, scope = NAMED[kind]
            if key in properties:
                yield Name(kind, text(template, properties[key]), longest, scope)
