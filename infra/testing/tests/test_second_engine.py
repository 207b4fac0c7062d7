"""The templates of prod in a second CloudFormation engine: created, updated, deleted.

moto knows some of our types. The others are left out and listed here; a test compares the list.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws

from testing.arns import ACCOUNT, REGION, text
from testing.stacks import builders, published, template

UNSUPPORTED: Final = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::OIDCProvider",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::EmailIdentity",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}
# moto has the types, but not for a function by its alias.
BY_ALIAS: Final = {"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"}
# Nothing of the sender and the provider is supported. moto deletes a role before the managed
# policies that are attached to it, so the pipelines' roles are not here either.
LEFT_OUT: Final = ("reporter-sender", "github-provider", "github")
STACKS: Final = [name for name in builders() if name not in LEFT_OUT]
ASSETS: Final = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
CAPABILITIES: Final = ["CAPABILITY_NAMED_IAM"]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        yield


def prepare(of: dict[str, Any]) -> dict[str, str]:
    """The bootstrap's version, the code's archives, and what other stacks publish."""
    ssm, s3 = boto3.client("ssm"), boto3.client("s3")
    s3.create_bucket(Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION})
    for resource in of["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            s3.put_object(Bucket=ASSETS, Key=resource["Properties"]["Code"]["S3Key"], Body=code())
    values = {name: text(owner, value) for name, (owner, value) in published("prod").items()}
    values["/cdk-bootstrap/hnb659fds/version"] = "30"
    for parameter in of.get("Parameters", {}).values():
        if parameter["Type"].startswith("AWS::SSM"):
            name = parameter["Default"]
            ssm.put_parameter(Name=name, Type="String", Value=values[name])
            if name.endswith("bus-name"):
                boto3.client("events").create_event_bus(Name=values[name])
            if "/role-names/" in name:
                boto3.client("iam").create_role(
                    RoleName=values[name], AssumeRolePolicyDocument="{}"
                )
    return values


def code() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("handler.py", "")
    return archive.getvalue()


def supported(of: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    """A template without the types that moto lacks; text stands for what referred to them."""
    kept = copy.deepcopy(of)
    gone = {name for name, r in of["Resources"].items() if r["Type"] in UNSUPPORTED | BY_ALIAS}
    kept["Resources"] = {
        name: without(of, resource, gone)
        for name, resource in kept["Resources"].items()
        if name not in gone
    }
    for resource in kept["Resources"].values():
        if resource["Type"] == "AWS::Events::Rule":  # moto takes the name of a bus alone
            bus = resource["Properties"].get("EventBusName", "default")
            resource["Properties"]["EventBusName"] = text(of, bus, values)
        if resource["Type"] == "AWS::DynamoDB::Table":
            # As in a first creation; moto, like AWS, does not delete a protected table. It takes
            # the parameter's text `false` for true.
            resource["Properties"]["DeletionProtectionEnabled"] = False
        if resource["Type"] == "AWS::SSM::Parameter":  # moto expects a list; AWS, a map
            resource["Properties"].pop("Tags", None)
    kept["Outputs"] = without(of, kept.get("Outputs", {}), gone)
    return kept


def without(of: dict[str, Any], value: Any, gone: set[str]) -> Any:
    if isinstance(value, list):
        return [without(of, item, gone) for item in value if not named(item, gone)]
    if not isinstance(value, dict):
        return value
    if "Fn::Split" in value:
        separator, whole = value["Fn::Split"]
        return {"Fn::Split": [separator, text(of, whole)]}
    target = value.get("Ref") or value.get("Fn::GetAtt", [None])[0]
    if target in gone and len(value) == 1:
        return text(of, value) if "Ref" in value else f"arn:aws:x:{REGION}:{ACCOUNT}:{target}"
    return {key: without(of, item, gone) for key, item in value.items() if not named(item, gone)}


def named(item: Any, gone: set[str]) -> bool:
    return isinstance(item, str) and item in gone


def changed(of: dict[str, Any]) -> dict[str, Any]:
    """The same with another description of every queue, role and function that has one."""
    new = copy.deepcopy(of)
    for resource in new["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["MemorySize"] = 1024
        if resource["Type"] == "AWS::SQS::Queue":
            resource["Properties"]["MessageRetentionPeriod"] = 86_400
    return new


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow")
def test_prods_stack_is_created_updated_and_deleted(name: str) -> None:
    whole = copy.deepcopy(dict(template(name, "prod")))
    values = prepare(whole)
    stack, engine = supported(whole, values), boto3.client("cloudformation")
    arguments = {"StackName": name, "Capabilities": CAPABILITIES}
    engine.create_stack(TemplateBody=json.dumps(stack), **arguments)
    created = engine.describe_stack_resources(StackName=name)["StackResources"]
    assert {resource["LogicalResourceId"] for resource in created} == set(stack["Resources"])
    if changed(stack) != stack:
        engine.update_stack(TemplateBody=json.dumps(changed(stack)), **arguments)
        [after] = engine.describe_stacks(StackName=name)["Stacks"]
        assert after["StackStatus"] == "UPDATE_COMPLETE"
    engine.delete_stack(StackName=name)
    statuses = [s["StackStatus"] for s in engine.list_stacks()["StackSummaries"]]
    assert statuses == ["DELETE_COMPLETE"]


def test_the_types_that_moto_lacks_are_those_listed() -> None:
    used = {r["Type"] for name in STACKS for r in template(name, "prod")["Resources"].values()}
    assert used >= UNSUPPORTED - {"AWS::IAM::OIDCProvider", "AWS::SES::EmailIdentity"}
    lacking = {kind for kind in used if not accepted(kind)}
    assert lacking == UNSUPPORTED & used


def accepted(kind: str) -> bool:
    """Whether moto's registry of CloudFormation types has it."""
    from moto.cloudformation.parsing import get_model_map

    return kind in get_model_map()
