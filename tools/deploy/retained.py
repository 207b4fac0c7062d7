"""Data that outlived its stack: take it into a new stack, or delete it.

CloudFormation refuses to create a table or queue that exists; an import makes it the
stack's own again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy import names
from tools.deploy.account import Account
from tools.paths import ASSEMBLIES

CHANGE_SET: Final = "adopt"
TABLE: Final = "AWS::DynamoDB::Table"
QUEUE: Final = "AWS::SQS::Queue"
LOG_GROUP: Final = "AWS::Logs::LogGroup"
BUCKET: Final = "AWS::S3::Bucket"
PARAMETER: Final = "AWS::SSM::Parameter"


class RetainedError(RuntimeError):
    """Nothing was changed, or not all; the message says why."""


@dataclass(frozen=True)
class Retained:
    """Something of an earlier stack. `logical_id` is what the next stack calls it."""

    kind: str
    name: str
    logical_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def retained(account: Account, unit: str, assemblies: Path = ASSEMBLIES) -> list[Retained]:
    """What exists under the names of a deployable's data and belongs to no stack of it."""
    account_id = str(account.client("sts").get_caller_identity()["Account"])
    found = [
        Retained(named.kind, named.name, named.logical_id)
        for named in names.taken(account, unit, account_id, assemblies)
        if named.kind in _DELETE and named.kind != PARAMETER
    ]
    return found + (_buckets(account, unit) if unit == "contracts" else [])


def _buckets(account: Account, unit: str) -> list[Retained]:
    """The bucket of releases has a generated name, which starts with that of its stack."""
    stack = names.stack_name(unit, account.stage)
    if names.owned(account, stack):
        return []
    there = account.client("s3").list_buckets()["Buckets"]
    return [
        Retained(BUCKET, bucket["Name"])
        for bucket in there
        if bucket["Name"].startswith(f"{stack}-")
    ]


# ---- adopt --------------------------------------------------------------------------------------


def adopt(account: Account, unit: str, assemblies: Path = ASSEMBLIES) -> Iterator[str]:
    """Import what was retained into the stack, before a deployment adds the rest.

    Yields a line for every resource. Raises `RetainedError`.
    """
    wanted = names.template_of(unit, account.stage, assemblies)
    found = [resource for resource in retained(account, unit, assemblies) if resource.logical_id]
    importable = [resource for resource in found if _outlives(wanted, resource)]
    if not importable:
        yield f"nothing of {unit} waits to be adopted in {account.stage}"
        return
    stack = names.stack_name(unit, account.stage)
    client = account.client("cloudformation")
    present = _present_template(client, stack)
    template = import_template(wanted, {resource.logical_id for resource in importable}, present)
    _import(client, stack, template, [_identified(account, resource) for resource in importable])
    yield from (f"{resource} is adopted by {stack}" for resource in importable)
    yield f"now: make deploy-{unit} STAGE={account.stage}"


def _outlives(template: Any, resource: Retained) -> bool:
    policy = template["Resources"][resource.logical_id].get("DeletionPolicy", "Delete")
    return str(policy).startswith("Retain")


def import_template(wanted: Any, imported: set[str], present: Any) -> dict[str, Any]:
    """The present template and the imported resources, which is all that an import may hold.

    A property that refers to a resource which is not there yet is left to the next deployment.
    """
    resources = dict(present.get("Resources", {}))
    resources |= {key: _importable(wanted["Resources"][key]) for key in imported}
    parameters = present.get("Parameters", {}) | wanted.get("Parameters", {})
    known = set(resources) | set(parameters)
    for key in imported:
        properties = resources[key]["Properties"]
        resources[key]["Properties"] = {
            name: value for name, value in properties.items() if _references(value) <= known
        }
    used = {name for resource in resources.values() for name in _references(resource)}
    template = {
        **present,
        "Resources": resources,
        "Parameters": {key: value for key, value in parameters.items() if key in used},
    }
    return {key: value for key, value in template.items() if value}


def _importable(resource: Any) -> dict[str, Any]:
    kept = ("Type", "Properties", "DeletionPolicy", "UpdateReplacePolicy")
    return {key: resource[key] for key in kept if key in resource}


def _references(value: Any) -> set[str]:
    """Logical ids that a value refers to, without CloudFormation's own pseudo parameters."""
    if isinstance(value, list):
        return {name for inner in value for name in _references(inner)}
    if not isinstance(value, Mapping):
        return set()
    if isinstance(value.get("Ref"), str):
        return set() if value["Ref"].startswith("AWS::") else {value["Ref"]}
    if isinstance(value.get("Fn::GetAtt"), list):
        return {str(value["Fn::GetAtt"][0])}
    return {name for inner in value.values() for name in _references(inner)}


def _present_template(client: Any, stack: str) -> Any:
    """The template of the stack as it is; empty if there is none."""
    try:
        body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return {}
    return json.loads(body) if isinstance(body, str) else body


def _identified(account: Account, resource: Retained) -> dict[str, Any]:
    """How CloudFormation finds the resource to import."""
    return {
        "ResourceType": resource.kind,
        "LogicalResourceId": resource.logical_id,
        "ResourceIdentifier": _identifier(account, resource),
    }


def _identifier(account: Account, resource: Retained) -> dict[str, str]:
    if resource.kind == QUEUE:
        return {
            "QueueUrl": account.client("sqs").get_queue_url(QueueName=resource.name)["QueueUrl"]
        }
    return {names.NAME_PROPERTIES[resource.kind]: resource.name}


def _import(client: Any, stack: str, template: Any, resources: list[dict[str, Any]]) -> None:
    made = client.create_change_set(
        StackName=stack,
        ChangeSetName=CHANGE_SET,
        ChangeSetType="IMPORT",
        ResourcesToImport=resources,
        TemplateBody=json.dumps(template),
        # the present template may hold roles with names
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], StackName=stack)
    client.execute_change_set(ChangeSetName=made["Id"], StackName=stack)
    client.get_waiter("stack_import_complete").wait(StackName=stack)


# ---- remove -------------------------------------------------------------------------------------


def remove(
    account: Account, unit: str, confirmed: Callable[[str], bool], assemblies: Path = ASSEMBLIES
) -> Iterator[str]:
    """Delete what was retained, for ever, after asking. Yields a line for every resource.

    Raises `RetainedError` if it was not confirmed.
    """
    found = retained(account, unit, assemblies) + _keys(account, unit)
    if not found:
        yield f"no data of {unit} is left in {account.stage}"
        return
    yield from (f"{resource}" for resource in found)
    if not confirmed(f"{unit}-{account.stage}"):
        raise RetainedError("nothing was deleted")
    for resource in found:
        _DELETE[resource.kind](account, resource.name)
        yield f"{resource} is deleted"


def _keys(account: Account, unit: str) -> list[Retained]:
    """The encrypted parameters of a deployable: keys, which no stack makes."""
    pages = account.client("ssm").get_paginator("get_parameters_by_path")
    path = f"/cv-analytics/{account.stage}/{unit}"
    return [
        Retained(PARAMETER, parameter["Name"])
        for page in pages.paginate(Path=path, Recursive=True)
        for parameter in page["Parameters"]
        if parameter["Type"] == "SecureString"
    ]


def _delete_parameter(account: Account, name: str) -> None:
    account.client("ssm").delete_parameter(Name=name)


def _delete_table(account: Account, name: str) -> None:
    client = account.client("dynamodb")
    if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.get_waiter("table_exists").wait(TableName=name)
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)


def _delete_queue(account: Account, name: str) -> None:
    client = account.client("sqs")
    client.delete_queue(QueueUrl=client.get_queue_url(QueueName=name)["QueueUrl"])


def _delete_log_group(account: Account, name: str) -> None:
    account.client("logs").delete_log_group(logGroupName=name)


def delete_bucket(account: Account, name: str) -> None:
    """Delete a bucket with all versions of all objects."""
    client = account.client("s3")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]
        if objects:
            client.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    client.delete_bucket(Bucket=name)


_DELETE: Final[dict[str, Callable[[Account, str], None]]] = {
    TABLE: _delete_table,
    QUEUE: _delete_queue,
    LOG_GROUP: _delete_log_group,
    PARAMETER: _delete_parameter,
    BUCKET: delete_bucket,
}
