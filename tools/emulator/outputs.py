"""`.local/outputs.json`: the addresses and names that the stacks made, for people and programs.

Read from the outputs of the services' own stacks; nothing is guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.deploy.names import stack_name
from tools.emulator.administrator import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from tools.deploy.account import Account

PUBLISHED = {
    "processorApi": ("processor", "ApiUrl"),
    "reporterApi": ("reporter", "ApiUrl"),
    "ingestQueueUrl": ("processor", "IngestQueueUrl"),
    "processorBus": ("processor", "BusName"),
    "reporterBus": ("reporter", "BusName"),
    "processorTable": ("processor", "TableName"),
    "reporterTable": ("reporter", "TableName"),
}


class NotDeployedError(Exception):
    """Something that should have been published is not there."""


def collect(account: Account) -> dict[str, str]:
    """All outputs. Raises `NotDeployedError` when a stack has not published one."""
    shown = {unit: _outputs_of(account, unit) for unit in ("processor", "reporter")}
    missing = sorted(key for key, (unit, name) in PUBLISHED.items() if name not in shown[unit])
    if missing:
        raise NotDeployedError(f"no stack has {', '.join(missing)} yet: run `make up`")
    published = {key: shown[unit][name].rstrip("/") for key, (unit, name) in PUBLISHED.items()}
    return {
        "awsEndpoint": account.environment["AWS_ENDPOINT_URL"],
        "region": account.environment["AWS_REGION"],
        "accessKeyId": account.environment["AWS_ACCESS_KEY_ID"],
        "secretAccessKey": account.environment["AWS_SECRET_ACCESS_KEY"],
        **published,
        "dashboardUrl": f"{published['reporterApi']}/dashboard",
    }


def _outputs_of(account: Account, unit: str) -> dict[str, str]:
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        if stack["StackName"] == stack_name(unit, account.stage)
        for output in stack.get("Outputs", [])
    }


def write(path: Path, outputs: dict[str, str]) -> None:
    """Write them, readable by their owner alone: they hold credentials."""
    write_private(path, json.dumps(outputs, indent=2))


def read(path: Path) -> dict[str, str]:
    """Read them. Raises `NotDeployedError` before the first `make up`."""
    try:
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise NotDeployedError("nothing is deployed yet: run `make up`") from error
    return known
