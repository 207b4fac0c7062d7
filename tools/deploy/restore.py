"""The nightly proof that the tables can be restored: a copy of each, read and deleted.

A restore takes from minutes to an hour, whatever a table's size. All copies are restored at once
and wait for one deadline, which ends before the session of the role that the workflow assumed: the
copies must still be deleted with it. What could not be deleted, the next night deletes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.deploy.upkeep import UpkeepError

TABLES: Final = ("processor", "reporter")
# Ninety minutes of the session's two hours; the tests compare with the role and the workflow.
PATIENCE_SECONDS: Final = 5400.0
PAUSE_SECONDS: Final = 15.0
RESTORED: Final = "-restored-"
_REMEDIES: Final = {
    "AccessDeniedException": "the role `cv-analytics-github-<stage>-upkeep-<region>` may",
    "PointInTimeRecoveryUnavailableException": "deploy the service, which switches it on",
    "TableNotFoundException": "deploy the service first",
}


@dataclass(frozen=True)
class Copy:
    """A table and the name of its restored copy."""

    table: str
    name: str


def restore_test(account: Account) -> Iterator[str]:
    """Restore every table to its latest point in time under another name, read and delete it.

    Yields a line for each step that ended. Raises `UpkeepError`.
    """
    client = account.client("dynamodb")
    yield from _delete_leftovers(client, account.stage)
    started = time.monotonic()
    suffix = f"{RESTORED}{datetime.now(UTC):%Y%m%d%H%M%S}"
    tables = [f"cv-analytics-{account.stage}-{service}" for service in TABLES]
    copies: list[Copy] = []
    try:
        # One by one: when a restore is refused, those before it are in the list and get deleted.
        for table in tables:
            copies.append(_restored(client, table, f"{table}{suffix}"))  # noqa: PERF401
        for copy in copies:
            _wait_until_active(client, copy.name, started + PATIENCE_SECONDS)
            _compare(client, copy)
            yield f"{copy.table} was restored and read in {time.monotonic() - started:.0f} s"
    finally:
        failures = [failure for copy in copies if (failure := _delete(client, copy.name))]
    yield from failures


def _delete_leftovers(client: Any, stage: str) -> Iterator[str]:
    """Delete the copies that an earlier night left behind."""
    for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if name.startswith(f"cv-analytics-{stage}-") and RESTORED in name:
                yield _delete(client, name) or f"{name} was left behind and is deleted"


def _restored(client: Any, table: str, name: str) -> Copy:
    try:
        client.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=name, UseLatestRestorableTime=True
        )
    except ClientError as error:
        remedy = _REMEDIES.get(error.response["Error"]["Code"], "see the message")
        raise UpkeepError(f"{table} cannot be restored: {error} ({remedy})") from error
    return Copy(table, name)


def _wait_until_active(client: Any, name: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        if _table(client, name)["TableStatus"] == "ACTIVE":
            return
        time.sleep(PAUSE_SECONDS)
    minutes = PATIENCE_SECONDS / 60
    raise UpkeepError(f"{name} was not restored within {minutes:.0f} min; the next run deletes it")


def _compare(client: Any, copy: Copy) -> None:
    """A table's own count is up to six hours old, so only `none` and `some` are compared."""
    items = client.scan(TableName=copy.name, Limit=1, Select="COUNT")["Count"]
    if _table(client, copy.table)["ItemCount"] and not items:
        raise UpkeepError(f"{copy.table} holds items, its restored copy none: do not rely on it")


def _delete(client: Any, name: str) -> str:
    """Delete a copy. The reason if that fails: a copy that is still being made cannot be deleted,
    and a failure to delete must not hide why the test failed."""
    try:
        client.delete_table(TableName=name)
    except ClientError as error:
        return f"{name} is not deleted, the next run tries again: {error}"
    return ""


def _table(client: Any, name: str) -> Any:
    return client.describe_table(TableName=name)["Table"]
