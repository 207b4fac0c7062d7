"""The state of a stage: one word for each service and for the links, then what it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.deploy.stacks import LINKS, is_deployed
from tools.observe.evidence import (
    IS_DEAD_LETTERS,
    SERVICES,
    api_urls,
    fields_of,
    queues,
    short_name,
)

TIMEOUT_SECONDS: Final = 15.0
# What runs by the clock, how far back its last line is looked for, and what to show of it.
BY_THE_CLOCK: Final = {
    "reporter-reconcile": (timedelta(days=3), ("days", "compared", "ReconciliationHealed")),
    "reporter-report": (timedelta(days=8), ("week", "sent", "refused")),
}
# The queues of the links' stack are the Reporter's by name.
OF_LINKS: Final = ("reporter-rule-dlq", "reporter-receipt-rule-dlq")


@dataclass(frozen=True)
class Queue:
    """A queue, its messages (visible, in flight, delayed), the age of the oldest if known."""

    name: str
    messages: int
    oldest_seconds: float | None

    @property
    def is_dead_letters(self) -> bool:
        """Whether it must be empty."""
        return bool(IS_DEAD_LETTERS.search(self.name))


@dataclass(frozen=True)
class State:
    """What was read of a stage. `health` has no entry of a service that is not deployed."""

    health: dict[str, str | None]
    linked: bool
    alarms: tuple[tuple[str, str], ...]
    queues: tuple[Queue, ...]
    runs: tuple[str, ...]


def read(account: Account, now: datetime) -> State:
    """Ask the APIs' health, CloudWatch, SQS and the logs."""
    return State(
        {service: _health(account, url) for service, url in api_urls(account)},
        is_deployed(account, LINKS),
        tuple(_active_alarms(account)),
        tuple(_queue(account, url, now) for url in sorted(queues(account))),
        tuple(_last_run(account, name, now) for name in BY_THE_CLOCK),
    )


def page(state: State) -> Iterator[str]:
    """The words first, then versions, alarms, queues and what runs by the clock."""
    yield ", ".join(f"{name} {word}" for name, word in words(state).items())
    for service, text in state.health.items():
        yield f"version   {service:<10} {text or 'its API does not answer'}"
    for name, text in state.alarms:
        yield f"alarm     {name}  {text}"
    for queue in state.queues:
        if queue.messages:
            kind = "dead" if queue.is_dead_letters else "queue"
            oldest = (
                "" if queue.oldest_seconds is None else f", oldest {queue.oldest_seconds:.0f} s"
            )
            yield f"{kind:<9} {queue.name}  {queue.messages} messages{oldest}"
    for run in state.runs:
        yield f"last      {run}"


def words(state: State) -> dict[str, str]:
    """`OK`, `ALARM`, `DOWN` or `not deployed`, for each service and the links."""
    return {service: _word(state, service) for service in SERVICES} | {"links": _links(state)}


def _word(state: State, service: str) -> str:
    if service not in state.health:
        return "not deployed"
    if state.health[service] is None:
        return "DOWN"
    alarms = [name for name, _ in state.alarms if name.startswith(f"{service}-")]
    return "ALARM" if alarms or _dead_letters(state, service) else "OK"


def _links(state: State) -> str:
    if not state.linked:
        return "not deployed"
    return "ALARM" if any(q.messages for q in state.queues if q.name in OF_LINKS) else "OK"


def _dead_letters(state: State, service: str) -> bool:
    return any(
        queue.messages
        for queue in state.queues
        if queue.is_dead_letters
        and queue.name.startswith(f"{service}-")
        and queue.name not in OF_LINKS
    )


def _health(account: Account, url: str) -> str | None:
    try:
        with account.http(timeout=TIMEOUT_SECONDS) as client:
            health = client.get(f"{url}/health").raise_for_status().json()
    except (httpx.HTTPError, json.JSONDecodeError):
        return None
    return f"{health['version']} ({health['commit']}, contracts {health['contracts']})"


def _active_alarms(account: Account) -> Iterator[tuple[str, str]]:
    pages = account.client("cloudwatch").get_paginator("describe_alarms")
    prefix = f"cv-analytics-{account.stage}-"
    for found in pages.paginate(AlarmNamePrefix=prefix, StateValue="ALARM"):
        for alarm in found["MetricAlarms"]:
            name = short_name(account, alarm["AlarmName"])
            yield name, alarm.get("AlarmDescription", "")


def _queue(account: Account, url: str, now: datetime) -> Queue:
    answer = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    counts = answer["Attributes"].items()
    messages = sum(int(n) for key, n in counts if key.startswith("ApproximateNumberOfMessages"))
    name = url.rsplit("/", 1)[-1]
    oldest = _age(account, name, now) if messages else None
    return Queue(short_name(account, name), messages, oldest)


def _age(account: Account, queue: str, now: datetime) -> float | None:
    """Seconds by CloudWatch, a few minutes late; the embedded AWS does not measure it."""
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
    }
    stat = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
    answer = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "age", "MetricStat": stat}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
    )
    values = [value for result in answer["MetricDataResults"] for value in result["Values"]]
    return float(values[0]) if values else None


def _last_run(account: Account, function: str, now: datetime) -> str:
    back, shown = BY_THE_CLOCK[function]
    pages = account.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(
        logGroupName=f"/aws/lambda/cv-analytics-{account.stage}-{function}",
        filterPattern='"aws_request_id"',
        startTime=int((now - back).timestamp() * 1000),
    )
    name = function.split("-", 1)[1]
    try:
        events = [event for result in found for event in result["events"]]
    except ClientError:  # the function is not deployed
        return f"{name}: not deployed"
    lines = [(e["timestamp"], fields) for e in events if (fields := fields_of(e["message"]))]
    if not lines:
        return f"{name}: none in {back.days} days"
    at_ms, fields = max(lines, key=lambda line: line[0])
    when = datetime.fromtimestamp(at_ms / 1000, UTC)
    facts = ", ".join(f"{key} {_plain(fields[key])}" for key in shown if key in fields)
    return f"{name}: {when:%Y-%m-%d %H:%M} UTC, {facts}"


def _plain(value: Any) -> Any:
    return int(sum(value)) if isinstance(value, list) else value
