"""What the values of a template become in an account: names, ARNs, the text of a policy's resource.

Only the types that our policies refer to are known; another one is an error, not a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from testing.template import Template

# The longest name of a region, so that names are tested at their longest.
REGION: Final = "ap-southeast-2"
ACCOUNT: Final = "111122223333"
PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
# The property that names a resource, and its ARN by that name.
ARNS: Final = {
    "AWS::ApiGatewayV2::Api": ("", ""),
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:{at}:alarm:{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:{at}:table/{name}"),
    "AWS::Events::EventBus": ("Name", "events:{at}:event-bus/{name}"),
    "AWS::Events::Rule": ("Name", "events:{at}:rule/{name}"),
    "AWS::IAM::OIDCProvider": ("", f"iam::{ACCOUNT}:oidc-provider/" + "{id}"),
    "AWS::IAM::Role": ("RoleName", f"iam::{ACCOUNT}:role/" + "{name}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{at}:function:{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{at}:log-group:{name}:*"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns:{at}:{name}"),
    "AWS::SQS::Queue": ("QueueName", "sqs:{at}:{name}"),
}
# `Ref` of these is the ARN, not the name.
REF_IS_ARN: Final = ("AWS::SNS::Topic",)


def text(template: Template, value: Any, parameters: Mapping[str, str] | None = None) -> str:
    """A value with its functions evaluated. `parameters` are values of SSM parameters by name."""
    if isinstance(value, str):
        return value
    [(function, argument)] = value.items()
    if function == "Fn::Join":
        return str(argument[0].join(text(template, part, parameters) for part in argument[1]))
    if function == "Ref":
        return _reference(template, argument, parameters or {})
    if function == "Fn::Select":
        [index, split] = argument
        separator, whole = split["Fn::Split"]
        return text(template, whole, parameters).split(separator)[int(index)]
    if function == "Fn::GetAtt":
        return _attribute(template, *argument)
    raise ValueError(f"{function} is not evaluated here: add it")


def _reference(template: Template, name: str, parameters: Mapping[str, str]) -> str:
    if name in PSEUDO:
        return PSEUDO[name]
    if name in template.get("Parameters", {}):
        default = str(template["Parameters"][name].get("Default", name))
        return parameters.get(default, default)
    resource = template["Resources"][name]
    if resource["Type"] == "AWS::Lambda::Alias":
        function = text(template, resource["Properties"]["FunctionName"])
        return f"{_arn('lambda')}:function:{function}:{resource['Properties']['Name']}"
    if resource["Type"] in REF_IS_ARN:
        return _attribute(template, name, "Arn")
    key = ARNS.get(resource["Type"], ("", ""))[0]
    return text(template, resource.get("Properties", {}).get(key, name.lower()))


def _attribute(template: Template, logical_id: str, attribute: str) -> str:
    resource = template["Resources"][logical_id]
    if attribute == "StreamArn":
        return f"{_attribute(template, logical_id, 'Arn')}/stream/label"
    if not re.fullmatch(r"(\w*Arn|Id)", attribute):
        return logical_id.lower()
    key, pattern = ARNS[resource["Type"]]
    name = text(template, resource["Properties"].get(key, logical_id.lower()))
    if resource["Type"] == "AWS::Events::Rule" and "EventBusName" in resource["Properties"]:
        name = f"{text(template, resource['Properties']['EventBusName'])}/{name}"
    return "arn:aws:" + pattern.format(at=f"{REGION}:{ACCOUNT}", name=name, id=logical_id)


def _arn(service: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}"
