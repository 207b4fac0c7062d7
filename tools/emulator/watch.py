"""What runs in the embedded AWS now, and what its functions say."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from tools.deploy.account import LOCAL_STAGE, Account, administrator
from tools.deploy.run import PORTS
from tools.observe.metering import MeterProcess
from tools.paths import HOME, shown

if TYPE_CHECKING:
    from tools.emulator.emulator import Emulator

PREFIX = f"cv-analytics-{LOCAL_STAGE}-"
POLL_SECONDS = 1.0


def status(emulator: Emulator) -> str:
    """A page of text: the process, the stacks, the queues that hold something, the tables."""
    running = emulator.running()
    if running is None:
        return "embedded AWS     not running (`make up` starts it)"
    account = administrator(running)
    lines = [
        f"embedded AWS     {running.endpoint}  process {running.pid}",
        f"meter            {_meter(emulator)}",
        *(f"stack            {name}  {state}" for name, state in _stacks(account)),
        *(f"table            {name}  {count} items" for name, count in _tables(account)),
        *(f"queue            {name}  {text}" for name, text in _queues(account)),
        f"outputs          {shown(HOME / 'outputs.json')}",
        f"logs             {shown(emulator.log)}, `make logs`",
    ]
    lines += [
        f"interactive docs `make run-{service}`, http://127.0.0.1:{port}/docs"
        for service, port in PORTS.items()
    ]
    return "\n".join(lines)


def _meter(emulator: Emulator) -> str:
    pid = MeterProcess(emulator.home).running()
    return (
        f"process {pid}" if pid else "not running, alarms are not evaluated (`make up` starts it)"
    )


def waiting(account: Account, name: str) -> int:
    """Messages of a queue that are not yet done: visible, in flight, or delayed."""
    queues = account.client("sqs")
    url = queues.get_queue_url(QueueName=name)["QueueUrl"]
    answer = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return sum(int(value) for key, value in answer.items() if key.startswith("ApproximateNumber"))


def _stacks(account: Account) -> list[tuple[str, str]]:
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return sorted(
        (stack["StackName"], stack["StackStatus"])
        for stack in stacks
        if stack["StackName"].startswith("cv-analytics-")
    )


def _tables(account: Account) -> list[tuple[str, int]]:
    tables = account.client("dynamodb")
    names = [name for name in tables.list_tables()["TableNames"] if name.startswith(PREFIX)]
    return [(name, tables.describe_table(TableName=name)["Table"]["ItemCount"]) for name in names]


def _queues(account: Account) -> list[tuple[str, str]]:
    found = account.client("sqs").list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    names = sorted(url.rsplit("/", 1)[-1] for url in found)
    held = [(name, count) for name in names if (count := waiting(account, name))]
    if not held:
        return [(f"all {len(names)} queues are empty", "")]
    return [(name, f"{count} messages") for name, count in held]


def follow(account: Account, out: TextIO) -> None:
    """Print what the functions log; on a terminal go on until interrupted."""
    since: dict[str, int] = {}
    logs = account.client("logs")
    while True:
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{PREFIX}")["logGroups"]
        entries = [entry for group in groups for entry in _news(logs, group["logGroupName"], since)]
        for stamp, function, message in sorted(entries, key=lambda entry: entry[0]):
            clock = time.strftime("%H:%M:%S", time.localtime(stamp / 1000))
            out.write(f"{clock} {function:<22} {message.rstrip()}\n")
        out.flush()
        if not sys.stdout.isatty():
            return
        time.sleep(POLL_SECONDS)


def _news(logs: Any, group: str, since: dict[str, int]) -> list[tuple[int, str, str]]:
    arguments = {"logGroupName": group, "startTime": since.get(group, 0)}
    events = logs.filter_log_events(**arguments)["events"]
    if events:
        since[group] = max(event["timestamp"] for event in events) + 1
    function = group.rsplit("/", 1)[-1].removeprefix(PREFIX)
    return [(event["timestamp"], function, event["message"]) for event in events]
