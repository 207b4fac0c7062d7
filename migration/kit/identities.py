"""What a resource is beside its name: ids, creation times, revisions. Equal before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from migration.kit.templates import Key

Client = Callable[[str], Any]
REVISION: Final = " revision "


def identity(client: Client, key: Key, url: str = "") -> str:
    """All of a resource that AWS gives it when it is made, and its configuration's revision.

    `client` gives the client of a service, `url` is a queue's. A resource that was made anew under
    its old name has another identity. What an update changes stands behind `REVISION`.
    """
    kind, name = key
    return _READERS[kind](client, url or name)


def made(identity: str) -> str:
    """What an identity keeps when its resource is updated."""
    return identity.partition(REVISION)[0]


def _table(client: Client, name: str) -> str:
    found = client("dynamodb").describe_table(TableName=name)["Table"]
    return f"{found['TableId']} {found['CreationDateTime']}"


def _queue(client: Client, url: str) -> str:
    names = ["CreatedTimestamp", "LastModifiedTimestamp"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return REVISION.join(found[name] for name in names)


def _function(client: Client, name: str) -> str:
    found = client("lambda").get_function_configuration(FunctionName=name)
    return f"{REVISION}{found['RevisionId']} {found['LastModified']} {found['CodeSha256']}"


def _role(client: Client, name: str) -> str:
    found = client("iam").get_role(RoleName=name)["Role"]
    return f"{found['RoleId']} {found['CreateDate']}"


def _log_group(client: Client, name: str) -> str:
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return str(next(one["creationTime"] for one in groups if one["logGroupName"] == name))


_READERS: Final[dict[str, Callable[[Client, str], str]]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::SQS::Queue": _queue,
}
