"""`.local/outputs.json`: the addresses and names that the stacks made, for people and programs.

Read from the outputs of the services' own stacks; nothing is guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.deploy.cdk import LOCAL_STAGE, stack_name
from tools.emulator.administrator import write_private
from tools.emulator.emulator import REGION, Running

if TYPE_CHECKING:
    from pathlib import Path

    from tools.emulator.aws import Caller

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


def collect(running: Running, caller: Caller) -> dict[str, str]:
    """All outputs. Raises `NotDeployedError` when a stack has not published one."""
    shown = {unit: _outputs_of(caller, unit) for unit in ("processor", "reporter")}
    missing = sorted(key for key, (unit, name) in PUBLISHED.items() if name not in shown[unit])
    if missing:
        raise NotDeployedError(f"no stack has {', '.join(missing)} yet: run `make up`")
    published = {key: shown[unit][name].rstrip("/") for key, (unit, name) in PUBLISHED.items()}
    return {
        "awsEndpoint": running.endpoint,
        "region": REGION,
        "accessKeyId": running.access_key_id,
        "secretAccessKey": running.secret_access_key,
        **published,
        "dashboardUrl": f"{published['reporterApi']}/dashboard",
    }


def _outputs_of(caller: Caller, unit: str) -> dict[str, str]:
    stacks = caller.client("cloudformation").describe_stacks()["Stacks"]
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        if stack["StackName"] == stack_name(LOCAL_STAGE, unit)
        for output in stack.get("Outputs", [])
    }


def write(path: Path, outputs: dict[str, str]) -> None:
    """Write them, readable by their owner alone: they hold credentials."""
    write_private(path, json.dumps(outputs, indent=2))


def read(path: Path) -> dict[str, str]:
    """Read them. Raises `NotDeployedError` before the first `make up`."""
    if not path.exists():
        raise NotDeployedError("nothing is deployed yet: run `make up`")
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return known
