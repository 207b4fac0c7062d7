"""What runbooks do by hand: enable what was disabled, empty a queue of what failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.observe.evidence import IS_DEAD_LETTERS, SERVICES

# What update_schedule must be given again, for it replaces the whole schedule.
OF_A_SCHEDULE: Final = (
    "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target",
    "Description", "StartDate", "EndDate", "ActionAfterCompletion", "KmsKeyArn",
)  # fmt: skip


class OperateError(RuntimeError):
    """It was not done; the message names the remedy."""


def enable(account: Account, name: str) -> list[str]:
    """Enable the event source mapping, rule or schedule of that name (`processor-relay`).

    Returns what was enabled, or was before. Raises `OperateError` if there is none.
    """
    full = f"cv-analytics-{account.stage}-{name}"
    done = [*_mappings(account, full), *_rules(account, full), *_schedules(account, full)]
    if not done:
        raise OperateError(f"nothing named {name} can be enabled: `make status` lists what is off")
    return [f"{kind} {name} is enabled" for kind in done]


def _mappings(account: Account, function: str) -> Iterator[str]:
    client = account.client("lambda")
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            if mapping["FunctionArn"].split(":")[6] == function:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
                yield "event source mapping"


def _rules(account: Account, rule: str) -> Iterator[str]:
    client = account.client("events")
    buses = ("default", *(f"cv-analytics-{account.stage}-{service}" for service in SERVICES))
    for bus in buses:
        if _is_there(lambda bus=bus: client.describe_rule(Name=rule, EventBusName=bus)):
            client.enable_rule(Name=rule, EventBusName=bus)
            yield "rule"


def _schedules(account: Account, name: str) -> Iterator[str]:
    client = account.client("scheduler")
    schedule = _is_there(lambda: client.get_schedule(Name=name))
    if schedule:
        kept = {key: schedule[key] for key in OF_A_SCHEDULE if key in schedule}
        client.update_schedule(Name=name, State="ENABLED", **kept)
        yield "schedule"


def _is_there(ask: Any) -> Any:
    """What is described; `None` if there is nothing of that name."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None


def dead_letter_queue(account: Account, name: str) -> str:
    """The address of a dead-letter queue (`processor-relay-failures`). Raises `OperateError`."""
    if not IS_DEAD_LETTERS.search(name):
        raise OperateError(f"{name} is no queue of what failed: only those may be purged")
    client = account.client("sqs")
    try:
        url = client.get_queue_url(QueueName=f"cv-analytics-{account.stage}-{name}")["QueueUrl"]
    except client.exceptions.QueueDoesNotExist as error:
        raise OperateError(f"there is no queue {name}: `make status` lists them") from error
    return str(url)


def purge(account: Account, url: str) -> None:
    """Delete all messages of a queue, for ever."""
    account.client("sqs").purge_queue(QueueUrl=url)
