"""Seeing what a deployment would change, and taking a stack away: the CDK CLI, on assemblies."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cv_contracts.parameters import parameter_name

from tools.build.node import CDK, node
from tools.deploy.account import Account, NotReachableError
from tools.paths import ASSEMBLIES as ASSEMBLED
from tools.paths import TOOLS

ASSEMBLIES: Final = Path(os.environ.get("CV_ASSEMBLIES", ASSEMBLED))
_KEPT: Final = re.compile(r"\| DELETE_SKIPPED +\| (AWS::[\w:]+)")
LINKS: Final = "reporter-links"
LINKED: Final = ("processor", "reporter")


def stacks_of(service: str) -> list[str]:
    """The stacks that a service's assembly deploys, in order."""
    return [service, LINKS] if service == "reporter" else [service]


def stacks_to_destroy(service: str) -> list[str]:
    """What must go when a service goes: first the joints, which hold on to both sides."""
    return [service] if service == "contracts" else [LINKS, service]


def stack_name(service: str, stage: str) -> str:
    """The CloudFormation name of a stack."""
    return f"cv-analytics-{service}-{stage}"


def diff(account: Account, service: str) -> int:
    """Show what deploying the synthesised assembly would change.

    In a GitHub workflow it is posted to the run's summary, too.
    """
    names = [stack_name(stack, account.stage) for stack in stacks_of(service)]
    said = _cdk(account, service, ["diff", "--method=template", *names])
    print(said.stdout, end="")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(f"### {service} in {account.stage}\n\n```\n{said.stdout}```\n")
    return said.returncode


def linkable(account: Account) -> bool:
    """Whether both ends of the links are deployed, so that they can be."""
    names = [parameter_name(account.stage, service, "bus-name") for service in LINKED]
    found = account.client("ssm").get_parameters(Names=names)["Parameters"]
    return len(found) == len(LINKED)


def destroy(account: Account, stack: str) -> int:
    """Delete one stack and say what stayed. Tables and secrets stay where a stage keeps its data.

    What CDK says is shown only if it failed.
    """
    name = stack_name(stack, account.stage)
    started = time.monotonic()
    said = _cdk(account, stack, ["destroy", "--force", "--progress", "events", name])
    if said.returncode:
        print(said.stdout, end="")
        print(f"{name} is not deleted. Where it is protected: see the runbook, `Take away`.")
        return said.returncode
    kept = stayed_behind(said.stdout)
    print(f"{name} is deleted, in {time.monotonic() - started:.0f} s; {kept}.")
    return 0


def stayed_behind(said: str) -> str:
    """What a deletion kept, from CDK's words: each kind of resource and how many of it."""
    kept = Counter(_KEPT.findall(said))
    return (
        "what stays: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kept.items()))
        if kept
        else "nothing stays"
    )


def is_deployed(account: Account, stack: str) -> bool:
    """Whether the stack exists."""
    client = account.client("cloudformation")
    try:
        [found] = client.describe_stacks(StackName=stack_name(stack, account.stage))["Stacks"]
    except client.exceptions.ClientError:
        return False
    return bool(found["StackStatus"] != "DELETE_COMPLETE")


def _cdk(account: Account, unit: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    assembly = ASSEMBLIES / account.stage / unit.removesuffix("-links")
    if not (assembly / "manifest.json").exists():
        raise NotReachableError(f"{assembly.name} is not synthesised: run `make synth-{unit}`")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ},
        **account.environment,
        "CDK_HOME": str(TOOLS / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    command = [str(node()), str(CDK), "--no-notices", *arguments, "--app", str(assembly)]
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
