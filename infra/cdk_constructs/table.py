"""A service's own table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb

from cdk_constructs.stack import ServiceStack

PROTECTION: Final = "TableDeletionProtection"


@dataclass(frozen=True)
class KeyIndex:
    """A sparse index that holds keys only; `order` is a number."""

    name: str
    partition: str
    order: str


def service_table(stack: ServiceStack, indexes: Sequence[KeyIndex]) -> dynamodb.Table:
    """An on-demand table `pk`/`sk` with TTL, a stream of both images and point-in-time recovery."""
    table = dynamodb.Table(
        stack,
        "Table",
        table_name=stack.base_name,
        partition_key=_string("pk"),
        sort_key=_string("sk"),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute="ttl",
        stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=stack.removal_policy,
    )
    if stack.deploy_stage.keeps_data:
        _protect(stack, table)
    for index in indexes:
        table.add_global_secondary_index(
            index_name=index.name,
            partition_key=_string(index.partition),
            sort_key=dynamodb.Attribute(name=index.order, type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    return table


def index_arn(table: dynamodb.Table, index: str) -> str:
    """The ARN of one index, which grants on a table do not include."""
    return f"{table.table_arn}/index/{index}"


def _protect(stack: ServiceStack, table: dynamodb.Table) -> None:
    """Deletion protection that the first deployment can leave out by the parameter.

    A creation that fails must be able to delete the table again, which is empty then. Whoever
    creates the stack passes `false`, and deploys again with `true`.
    """
    wanted = cdk.CfnParameter(
        stack,
        PROTECTION,
        default="true",
        allowed_values=["true", "false"],
        description="Whether the table is protected from deletion; false for a first creation",
    )
    resource = table.node.default_child
    assert isinstance(resource, dynamodb.CfnTable)
    resource.add_property_override("DeletionProtectionEnabled", wanted.value_as_string)


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
