"""The state of a stage: one word for each service and for the links, then what it is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

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
# How far back the last question is looked for.
ASKED_WITHIN: Final = timedelta(days=28)
# The stack of the links has these by name: queues, an alarm, and the rules on both buses.
OF_LINKS: Final = ("reporter-rule-dlq", "reporter-receipt-rule-dlq", "reporter-link-dead-letters")
RULES_OF_LINKS: Final = ("reporter-facts", "processor-erasure-receipts")
EVERY_WEEK: Final = re.compile(r"cron\((\d+) (\d+) \? \* ([A-Z]{3}) \*\)")
WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


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
class Alarm:
    """An alarm: `state` is `OK`, `ALARM` or `INSUFFICIENT_DATA`."""

    name: str
    state: str
    text: str = ""


@dataclass(frozen=True)
class Trigger:
    """An event source mapping, a rule or a schedule. `behind_ms`: a stream reader's, if known."""

    name: str
    kind: str
    is_enabled: bool
    behind_ms: float | None = None


@dataclass(frozen=True)
class State:
    """What was read of a stage. `health` has no entry of a service that is not deployed."""

    health: dict[str, str | None]
    linked: bool
    alarms: tuple[Alarm, ...]
    queues: tuple[Queue, ...]
    triggers: tuple[Trigger, ...]
    runs: tuple[str, ...]
    last_question: str
    next_mail: str


def read(account: Account, now: datetime) -> State:
    """Ask the APIs, CloudWatch, SQS, Lambda, EventBridge, the Scheduler and the logs."""
    urls = dict(api_urls(account))
    return State(
        {service: _health(account, url) for service, url in urls.items()},
        is_deployed(account, LINKS),
        tuple(_alarms(account)),
        tuple(_queue(account, url, now) for url in sorted(queues(account))),
        tuple(sorted(_triggers(account, now), key=lambda trigger: trigger.name)),
        tuple(_last_run(account, name, now) for name in BY_THE_CLOCK),
        _last_question(account, urls.get("reporter"), now),
        _next_mail(account, now),
    )


# ---- one screen ---------------------------------------------------------------------------------


def page(state: State) -> Iterator[str]:
    """The words first, then versions, alarms, queues and what runs by the clock."""
    yield ", ".join(f"{name} {word}" for name, word in words(state).items())
    for service, text in state.health.items():
        yield f"version   {service:<10} {text or 'its API does not answer'}"
    yield f"alarms    {_counted(state.alarms)}"
    for alarm in state.alarms:
        if alarm.state == "ALARM":
            yield f"alarm     {alarm.name}  {alarm.text}"
    for queue in state.queues:
        if queue.messages:
            kind = "dead" if queue.is_dead_letters else "queue"
            oldest = (
                "" if queue.oldest_seconds is None else f", oldest {queue.oldest_seconds:.0f} s"
            )
            yield f"{kind:<9} {queue.name}  {queue.messages} messages{oldest}"
    yield from _shown_triggers(state.triggers)
    yield f"last      question: {state.last_question}"
    for run in state.runs:
        yield f"last      {run}"
    yield f"next      mail: {state.next_mail}"


def _counted(alarms: tuple[Alarm, ...]) -> str:
    states = Counter(alarm.state for alarm in alarms)
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "none"


def _shown_triggers(triggers: tuple[Trigger, ...]) -> Iterator[str]:
    for trigger in triggers:
        if not trigger.is_enabled:
            yield f"disabled  {trigger.name}  {trigger.kind}"
        elif trigger.behind_ms is not None:
            yield f"stream    {trigger.name}  {trigger.behind_ms / 1000:.0f} s behind"


def words(state: State) -> dict[str, str]:
    """`OK`, `ALARM`, `DOWN` or `not deployed`, for each service and the links."""
    return {service: _word(state, service) for service in SERVICES} | {"links": _links(state)}


def _word(state: State, service: str) -> str:
    if service not in state.health:
        return "not deployed"
    if state.health[service] is None:
        return "DOWN"
    return "ALARM" if any(_faults(state, of_links=False, service=service)) else "OK"


def _links(state: State) -> str:
    if not state.linked:
        return "not deployed"
    return "ALARM" if any(_faults(state, of_links=True)) else "OK"


def _faults(state: State, *, of_links: bool, service: str = "") -> Iterator[str]:
    """The names of what is wrong with the links, or with a service."""
    names = [alarm.name for alarm in state.alarms if alarm.state == "ALARM"]
    names += [queue.name for queue in state.queues if queue.is_dead_letters and queue.messages]
    names += [trigger.name for trigger in state.triggers if not trigger.is_enabled]
    prefix = f"{service}-" if service else ""
    for name in names:
        is_of_links = name in OF_LINKS or name in RULES_OF_LINKS
        if is_of_links is of_links and name.startswith(prefix):
            yield name


def disabled(account: Account, now: datetime) -> Iterator[str]:
    """A line for each mapping, rule and schedule that is disabled."""
    off = [trigger for trigger in _triggers(account, now) if not trigger.is_enabled]
    yield from _shown_triggers(tuple(off))


# ---- what is read -------------------------------------------------------------------------------


def _health(account: Account, url: str) -> str | None:
    try:
        with account.http(timeout=TIMEOUT_SECONDS) as client:
            health = client.get(f"{url}/health").raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None
    return f"{health['version']} ({health['commit']}, contracts {health['contracts']})"


def _alarms(account: Account) -> Iterator[Alarm]:
    pages = account.client("cloudwatch").get_paginator("describe_alarms")
    for found in pages.paginate(AlarmNamePrefix=f"cv-analytics-{account.stage}-"):
        for alarm in found["MetricAlarms"]:
            name = short_name(account, alarm["AlarmName"])
            yield Alarm(name, alarm["StateValue"], alarm.get("AlarmDescription", ""))


def _queue(account: Account, url: str, now: datetime) -> Queue:
    answer = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    counts = answer["Attributes"].items()
    messages = sum(int(n) for key, n in counts if key.startswith("ApproximateNumberOfMessages"))
    name = url.rsplit("/", 1)[-1]
    age = ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": name})
    oldest = _latest(account, *age, now) if messages else None
    return Queue(short_name(account, name), messages, oldest)


def _triggers(account: Account, now: datetime) -> Iterator[Trigger]:
    yield from _mappings(account, now)
    prefix = f"cv-analytics-{account.stage}-"
    events = account.client("events")
    for bus in ("default", *(f"{prefix}{service}" for service in SERVICES)):
        try:
            rules = events.list_rules(EventBusName=bus, NamePrefix=prefix)["Rules"]
        except ClientError:  # the service is not deployed
            continue
        for rule in rules:
            yield Trigger(short_name(account, rule["Name"]), "rule", rule["State"] == "ENABLED")
    for found in account.client("scheduler").get_paginator("list_schedules").paginate():
        for schedule in found["Schedules"]:
            if schedule["Name"].startswith(prefix):
                name = short_name(account, schedule["Name"])
                yield Trigger(name, "schedule", schedule["State"] == "ENABLED")


def _mappings(account: Account, now: datetime) -> Iterator[Trigger]:
    for found in account.client("lambda").get_paginator("list_event_source_mappings").paginate():
        for mapping in found["EventSourceMappings"]:
            function = mapping["FunctionArn"].split(":")[6]
            if function.startswith(f"cv-analytics-{account.stage}-"):
                behind = None
                if ":dynamodb:" in mapping["EventSourceArn"]:
                    alias = {"FunctionName": function, "Resource": f"{function}:live"}
                    behind = _latest(account, "AWS/Lambda", "IteratorAge", alias, now)
                name = short_name(account, function)
                is_enabled = mapping["State"] in {"Enabled", "Enabling", "Creating", "Updating"}
                yield Trigger(name, "event source mapping", is_enabled, behind)


def _latest(
    account: Account, namespace: str, name: str, dimensions: dict[str, str], now: datetime
) -> float | None:
    """The newest maximum of ten minutes; CloudWatch is a few minutes late."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    answer = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "latest", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
        ],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    pairs = [
        pair
        for result in answer["MetricDataResults"]
        for pair in zip(result["Timestamps"], result["Values"], strict=True)
    ]
    return float(max(pairs)[1]) if pairs else None


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
    facts = ", ".join(f"{key} {_plain(fields[key])}" for key in shown if key in fields)
    return f"{name}: {_utc(at_ms)}, {facts}"


def _last_question(account: Account, reporter: str | None, now: datetime) -> str:
    """When a visitor asked last, as the Reporter knows it."""
    if reporter is None:
        return "the Reporter is not deployed"
    period = {"from": f"{(now - ASKED_WITHIN).date()}", "to": f"{now.date()}"}
    try:
        with account.http(timeout=TIMEOUT_SECONDS) as client:
            answer = client.get(f"{reporter}/v1/summary", params=period).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return "its API does not answer"
    asked = answer["findings"]["lastAsked"]
    return _utc(asked) if asked else f"none in {ASKED_WITHIN.days} days"


def _next_mail(account: Account, now: datetime) -> str:
    """When the schedule sends the weekly report next, in the schedule's zone."""
    name = f"cv-analytics-{account.stage}-reporter-report"
    try:
        schedule = account.client("scheduler").get_schedule(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return "none, the Reporter is not deployed"
    if schedule["State"] != "ENABLED":
        return "none, its schedule is disabled"
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    expression = schedule["ScheduleExpression"]
    weekly = EVERY_WEEK.fullmatch(expression)
    if weekly is None:
        return f"{expression} {zone}"
    minute, hour, weekday = weekly.groups()
    local = now.astimezone(ZoneInfo(zone))
    ahead = (WEEKDAYS.index(weekday) - local.weekday()) % 7
    at = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    at += timedelta(days=ahead)
    if at <= local:
        at += timedelta(days=7)
    return f"{at:%Y-%m-%d %H:%M} {zone}"


def _utc(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _plain(value: Any) -> Any:
    return int(sum(value)) if isinstance(value, list) else value
