"""The Processor's rows as they stand in a table, read as a whole."""

from __future__ import annotations

from typing import Any

from cv_processor.adapters.items import CORRELATION_SORT_KEY, from_item
from cv_processor.domain.correlation import Correlation


def correlations(dynamodb: Any, table: str) -> dict[str, Correlation]:
    """Every correlation of a table, read consistently."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="sk = :correlation",
        ExpressionAttributeValues={":correlation": {"S": CORRELATION_SORT_KEY}},
    )
    found = (from_item(item) for page in pages for item in page["Items"])
    return {one.request_id: one for one in found}


OWNERS = {
    "REQ#": "processor",
    "ERASURE#": "processor",
    "TOMBSTONES": "processor",
    "LAYOUT": "processor",
    "REPORT": "reporter",
    "LETTER#": "reporter",
    "SEND#": "reporter",
    "OUTBOX#": "reporter",
    "SUPPRESSED": "reporter",
    "COMPARISON": "reporter",
    "GAP": "reporter",
    "ANNOTATION": "reporter",
    "CV": "reporter",
}
"""Whose a row is, by the beginning of its key."""


def owner(pk: str) -> str | None:
    """The service that a row belongs to; `None` if none, or more than one, claims it."""
    fitting = {service for prefix, service in OWNERS.items() if _is_of(pk, prefix)}
    return fitting.pop() if len(fitting) == 1 else None


def _is_of(pk: str, prefix: str) -> bool:
    return pk.startswith(prefix) if prefix.endswith("#") else pk == prefix


def unowned(dynamodb: Any, table: str) -> list[str]:
    """The keys' beginnings of rows without exactly one owner. Never the whole key: it may name
    a session."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk")
    keys = (item["pk"]["S"] for page in pages for item in page["Items"])
    return sorted({pk.split("#")[0] for pk in keys if owner(pk) is None})


def everything(dynamodb: Any, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """All rows of a table by their keys."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = (item for page in pages for item in page["Items"])
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
