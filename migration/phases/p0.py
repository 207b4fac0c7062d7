"""Phase 0: rollback points that hold data, and an owner for everything. It changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from migration.before.names import OWNERS, SHARED_TABLE
from migration.kit import rows
from migration.kit.templates import Template, owners_of
from migration.phases.checks import Check, common
from migration.phases.context import BEFORE, Context
from migration.phases.steps import Step

NUMBER: Final = 0
TITLE: Final = "rollback points that hold data"
SCRATCH: Final = f"{SHARED_TABLE}-restored"
RESTORE_SECONDS: Final = 300.0
POINT: Final = "stack-before"


def plan(context: Context) -> list[str]:
    """What would be done."""
    found = context.stacks.template(BEFORE)["Resources"]
    return [f"keep the template of {BEFORE}: {len(found)} resources", "back up, restore, compare"]


def keep(context: Context) -> list[str]:
    """Keep the stack's template; restore a backup into a table of its own, and compare."""
    context.keep(POINT, context.stacks.template(BEFORE))
    compared = _restored(context)
    context.keep("restored", compared)
    return [f"restored and equal: {compared['equal']} of {compared['compared']} rows"]


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """The restored rows are equal, and everything has one owner."""
    compared = context.kept("restored")
    value = f"{compared['equal']} of {compared['compared']}"
    yield Check("rows restored", value, _is_whole(compared))
    template: Template = context.kept(POINT)
    owners = owners_of(template, OWNERS)
    yield Check("resources with one owner", f"{len(owners)} of {len(template['Resources'])}")
    wrong = [*_wrongly_tagged(template, owners)]
    yield Check("tags of another than the owner", str(len(wrong)), not wrong)
    unowned = rows.unowned(context.account.client("dynamodb"), SHARED_TABLE)
    yield Check("rows without one owner", ", ".join(unowned) or "0", not unowned)
    yield from common(context, SHARED_TABLE, asked_ms)


STEPS: Final = (Step("keep rollback points", keep),)


def _is_whole(compared: dict[str, int]) -> bool:
    return compared["compared"] > 0 and compared["equal"] == compared["compared"]


def _wrongly_tagged(template: Template, owners: dict[str, str]) -> Iterator[str]:
    """A move may not change tags, so they must be the later owner's from the start."""
    for logical_id, resource in template["Resources"].items():
        tags = resource.get("Properties", {}).get("Tags", ())
        services = {tag["Value"] for tag in tags if tag["Key"] == "service"}
        if services - {owners[logical_id]}:
            yield logical_id


def _restored(context: Context) -> dict[str, int]:
    """Back up and restore while questions come: what did not change meanwhile must be there."""
    dynamodb = context.account.client("dynamodb")
    before = rows.everything(dynamodb, SHARED_TABLE)
    with _backup(dynamodb) as arn:
        after = rows.everything(dynamodb, SHARED_TABLE)
        with _scratch(dynamodb, arn):
            restored = rows.everything(dynamodb, SCRATCH)
    unchanged = [key for key, item in before.items() if after.get(key) == item]
    equal = sum(restored.get(key) == before[key] for key in unchanged)
    return {"compared": len(unchanged), "equal": equal}


@contextmanager
def _backup(dynamodb: Any) -> Iterator[str]:
    answer = dynamodb.create_backup(TableName=SHARED_TABLE, BackupName="before-migration")
    arn = answer["BackupDetails"]["BackupArn"]
    try:
        yield arn
    finally:
        dynamodb.delete_backup(BackupArn=arn)


@contextmanager
def _scratch(dynamodb: Any, backup: str) -> Iterator[None]:
    """A table with what the backup holds, deleted at the end; one of a run before goes first."""
    _delete(dynamodb)
    dynamodb.restore_table_from_backup(TargetTableName=SCRATCH, BackupArn=backup)
    waiter = dynamodb.get_waiter("table_exists")
    waiter.wait(TableName=SCRATCH, WaiterConfig={"Delay": 1, "MaxAttempts": int(RESTORE_SECONDS)})
    try:
        yield
    finally:
        _delete(dynamodb)


def _delete(dynamodb: Any) -> None:
    try:
        dynamodb.delete_table(TableName=SCRATCH)
    except dynamodb.exceptions.ResourceNotFoundException:
        return
    deadline = time.monotonic() + RESTORE_SECONDS
    while SCRATCH in dynamodb.list_tables()["TableNames"] and time.monotonic() < deadline:
        time.sleep(0.2)
