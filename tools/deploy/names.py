"""Which physical names a stack wants, which of them exist, and whose they are. Only reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.paths import ASSEMBLIES

# Types with fixed names, of which CloudFormation cannot create one that exists.
NAME_PROPERTIES: Final = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
}


class NotSynthesisedError(RuntimeError):
    """The assembly is not there; the message names the command that makes it."""


@dataclass(frozen=True)
class Named:
    """A resource with a fixed name. `retained` says that it outlives its stack."""

    kind: str
    logical_id: str
    name: str
    retained: bool


def stack_name(unit: str, stage: str) -> str:
    """The CloudFormation stack of a deployable."""
    return f"cv-analytics-{unit}-{stage}"


def template_of(unit: str, stage: str, assemblies: Path = ASSEMBLIES) -> Any:
    """The synthesised template of a deployable. Raises `NotSynthesisedError`."""
    path = assemblies / stage / unit / f"{stack_name(unit, stage)}.template.json"
    try:
        return read(path)
    except FileNotFoundError:
        raise NotSynthesisedError(
            f"the stack of {unit} is not synthesised: `make synth-{unit} STAGE={stage}`"
        ) from None


def read(path: Path) -> Any:
    """A template of an assembly."""
    return json.loads(path.read_text("utf-8"))


def wanted(template: Any, account_id: str, region: str) -> Iterator[Named]:
    """Every fixed name in a template."""
    pseudo = {"AWS::AccountId": account_id, "AWS::Region": region, "AWS::Partition": "aws"}
    for logical_id, resource in template["Resources"].items():
        kind = resource["Type"]
        value = resource.get("Properties", {}).get(NAME_PROPERTIES.get(kind, ""))
        name = _resolved(value, pseudo)
        if name is not None:
            retained = resource.get("DeletionPolicy", "Delete").startswith("Retain")
            yield Named(kind, logical_id, name, retained)


def _resolved(value: Any, pseudo: Mapping[str, str]) -> str | None:
    """A name as text; None if only CloudFormation knows it."""
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": parameter}:
            return pseudo.get(parameter)
        case {"Fn::Join": [separator, parts]}:
            texts = [_resolved(part, pseudo) for part in parts]
            return None if None in texts else str(separator).join(filter(None, texts))
    return None


def existing(account: Account, prefix: str, kinds: set[str]) -> dict[str, set[str]]:
    """The names that exist in the account and start with the prefix, by type."""
    return {kind: set(_LISTS[kind](account, prefix)) for kind in sorted(kinds)}


def owned(account: Account, stack: str) -> dict[str, str]:
    """The resources of a deployed stack: logical id and type. Empty if there is no such stack."""
    return {found["LogicalResourceId"]: found["ResourceType"] for found in _held(account, stack)}


def versions(account: Account, stack: str) -> list[str]:
    """The ARNs of the function versions that a stack deployed last. Empty without the stack."""
    return [
        str(found["PhysicalResourceId"])
        for found in _held(account, stack)
        if found["ResourceType"] == "AWS::Lambda::Version"
    ]


def _held(account: Account, stack: str) -> list[Any]:
    pages = account.client("cloudformation").get_paginator("list_stack_resources")
    try:
        return [
            resource
            for page in pages.paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceStatus"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise


def taken(
    account: Account, unit: str, account_id: str, assemblies: Path = ASSEMBLIES
) -> list[Named]:
    """The names that the stack of a deployable wants and somebody else has.

    Raises `NotSynthesisedError`.
    """
    region = str(account.session.region_name)
    names = list(wanted(template_of(unit, account.stage, assemblies), account_id, region))
    there = existing(account, f"cv-analytics-{account.stage}-{unit}", {n.kind for n in names})
    ours = owned(account, stack_name(unit, account.stage))
    return [
        named
        for named in names
        if named.name in there[named.kind] and ours.get(named.logical_id) != named.kind
    ]


# ---- lists of what exists -----------------------------------------------------------------------


def _pages(account: Account, service: str, operation: str, **arguments: Any) -> Iterator[Any]:
    yield from account.client(service).get_paginator(operation).paginate(**arguments)


def _tables(account: Account, _prefix: str) -> Iterator[str]:
    for page in _pages(account, "dynamodb", "list_tables"):
        yield from page["TableNames"]


def _queues(account: Account, prefix: str) -> Iterator[str]:
    for page in _pages(account, "sqs", "list_queues", QueueNamePrefix=prefix):
        yield from (url.rpartition("/")[2] for url in page.get("QueueUrls", []))


def _log_groups(account: Account, prefix: str) -> Iterator[str]:
    for folder in ("/aws/lambda/", "/aws/apigateway/"):
        start = folder + prefix
        for page in _pages(account, "logs", "describe_log_groups", logGroupNamePrefix=start):
            yield from (group["logGroupName"] for group in page["logGroups"])


def _roles(account: Account, _prefix: str) -> Iterator[str]:
    for page in _pages(account, "iam", "list_roles"):
        yield from (role["RoleName"] for role in page["Roles"])


def _functions(account: Account, _prefix: str) -> Iterator[str]:
    for page in _pages(account, "lambda", "list_functions"):
        yield from (function["FunctionName"] for function in page["Functions"])


def _topics(account: Account, _prefix: str) -> Iterator[str]:
    for page in _pages(account, "sns", "list_topics"):
        yield from (topic["TopicArn"].rpartition(":")[2] for topic in page["Topics"])


def _parameters(account: Account, prefix: str) -> Iterator[str]:
    path = f"/cv-analytics/{prefix.removeprefix('cv-analytics-').replace('-', '/', 1)}"
    for page in _pages(account, "ssm", "get_parameters_by_path", Path=path, Recursive=True):
        yield from (parameter["Name"] for parameter in page["Parameters"])


def _buses(account: Account, prefix: str) -> Iterator[str]:
    # No paginator; one product has few buses of one prefix.
    buses = account.client("events").list_event_buses(NamePrefix=prefix, Limit=100)
    yield from (bus["Name"] for bus in buses["EventBuses"])


_LISTS: Final[dict[str, Callable[[Account, str], Iterator[str]]]] = {
    "AWS::DynamoDB::Table": _tables,
    "AWS::Events::EventBus": _buses,
    "AWS::IAM::Role": _roles,
    "AWS::Lambda::Function": _functions,
    "AWS::Logs::LogGroup": _log_groups,
    "AWS::SNS::Topic": _topics,
    "AWS::SQS::Queue": _queues,
    "AWS::SSM::Parameter": _parameters,
}
