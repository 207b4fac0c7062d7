"""The stacks of a stage: deploy, see what would change, delete.

`make up`, the pipelines and the tests across services use it: there is one way to deploy.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cv_contracts.parameters import parameter_name

from tools.deploy import cdk
from tools.deploy.account import Account, administrator
from tools.deploy.names import stack_name
from tools.emulator.emulator import ACCOUNT, REGION
from tools.paths import ASSEMBLIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.build.progress import Steps
    from tools.emulator.emulator import Emulator

LINKS: Final = "reporter-links"
ALL: Final = ("contracts", "processor", "reporter", LINKS)
LINKED: Final = ("processor", "reporter")
WITH_HTTP_API: Final = ("processor", "reporter")
# A pipeline's: the role that CloudFormation uses, in place of the caller's own permissions.
EXECUTION_ROLE: Final = "AWS_EXECUTION_ROLE"
AT_ONCE: Final = 2
BOOTSTRAP_PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"
_KEPT: Final = re.compile(r"\| DELETE_SKIPPED +\| (AWS::[\w:]+)")


def stacks_of(unit: str) -> list[str]:
    """The stacks that a unit's assembly deploys, in order."""
    return [unit, LINKS] if unit == "reporter" else [unit]


def stacks_to_destroy(unit: str) -> list[str]:
    """What must go when a unit goes: first the links, which refer to both sides."""
    return [unit] if unit == "contracts" else [LINKS, unit]


def start(emulator: Emulator, steps: Steps, port: int | None = None) -> Account:
    """Start the embedded AWS and bootstrap CDK in it."""
    with steps.step("start the embedded AWS") as step:
        running = emulator.start(port)
        step.note(running.endpoint)
    account = administrator(running)
    with steps.step("bootstrap CDK") as step:
        if account.client("ssm").get_parameters(Names=[BOOTSTRAP_PARAMETER])["Parameters"]:
            step.note("was there")
        else:
            cdk.run(account, "bootstrap", "local", [f"aws://{ACCOUNT}/{REGION}"])
    return account


def deploy(
    account: Account, units: Sequence[str], steps: Steps, assemblies: Path = ASSEMBLIES
) -> None:
    """Deploy the stacks, which are independent, in parallel; then the links between them.

    Raises `DeployError`.
    """

    def one(unit: str) -> None:
        with steps.step(f"deploy {stack_name(unit, account.stage)}") as step:
            step.note(deploy_stack(account, unit, assemblies))

    with ThreadPoolExecutor(AT_ONCE) as together:
        list(together.map(one, [unit for unit in units if unit != LINKS]))
    if LINKS in units:
        if linkable(account):
            one(LINKS)
        else:
            steps.say(f"{LINKS} waits: it needs both services, and one is not deployed yet")


def deploy_stack(account: Account, unit: str, assemblies: Path = ASSEMBLIES) -> str:
    """Deploy one stack from its assembly; returns `changed` or `unchanged`.

    Raises `DeployError`.
    """
    created = is_created(account, unit)
    changed = _deploy_once(account, unit, assemblies, protected=created)
    if not created and not account.is_local and unit in WITH_HTTP_API:
        # A creation that fails must be able to delete its table, so protection comes after it.
        _deploy_once(account, unit, assemblies, protected=True)
    return "changed" if changed else "unchanged"


def _deploy_once(account: Account, unit: str, assemblies: Path, *, protected: bool) -> bool:
    """Deploy a stack; whether something changed."""
    flags = [*cdk.assembly(account.stage, unit, assemblies), "--exclusively"]
    flags += ["--require-approval", "never"]
    if not account.is_local and unit in WITH_HTTP_API:
        flags += ["--parameters", f"TableDeletionProtection={str(protected).lower()}"]
    if account.endpoint is not None:
        flags += ["--method", "direct"]
        if unit in WITH_HTTP_API:
            flags += ["--parameters", f"LocalEndpoint={account.endpoint}"]
    if role := account.environment.get(EXECUTION_ROLE):
        flags += _limited_to(role, unit)
    output = cdk.run(account, "deploy", unit, [*flags, stack_name(unit, account.stage)])
    return "(no changes)" not in output


def _limited_to(role: str, unit: str) -> list[str]:
    """CloudFormation's role, and the boundary for the roles that it makes, which has its name."""
    flags = ["--role-arn", role]
    if unit in WITH_HTTP_API:
        boundary = role.replace(":role/", ":policy/")
        flags += ["--parameters", f"PermissionsBoundary={boundary}"]
    return flags


def linkable(account: Account) -> bool:
    """Whether both ends of the links are deployed."""
    names = [parameter_name(account.stage, service, "bus-name") for service in LINKED]
    parameters = account.client("ssm").get_parameters(Names=names)["Parameters"]
    return len(parameters) == len(LINKED)


def diff(account: Account, unit: str) -> str:
    """What deploying the synthesised assembly would change. Raises `DeployError`.

    In a GitHub workflow it is in the run's summary, too.
    """
    names = [stack_name(stack, account.stage) for stack in stacks_of(unit)]
    flags = [*cdk.assembly(account.stage, unit), "--method=template"]
    changes = cdk.run(account, "diff", unit, [*flags, *names])
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(f"### {unit} in {account.stage}\n\n```\n{changes}```\n")
    return changes


def destroy(account: Account, stack: str) -> str:
    """Delete one stack; returns what stayed. Tables and secrets stay where a stage keeps its data.

    Raises `DeployError`.
    """
    name = stack_name(stack, account.stage)
    started = time.monotonic()
    try:
        flags = [*cdk.assembly(account.stage, stack), "--force"]
        output = cdk.run(account, "destroy", stack, [*flags, name])
    except cdk.DeployError as error:
        remedy = "Where it is protected: see the runbook, `Take away`"
        raise cdk.DeployError(f"{error}\n{name} is not deleted. {remedy}") from error
    return f"{name} is deleted, in {time.monotonic() - started:.0f} s; {stayed_behind(output)}."


def stayed_behind(output: str) -> str:
    """What a deletion kept, from the CDK CLI's output: the kinds of resources, how many of each."""
    kept = Counter(_KEPT.findall(output))
    if not kept:
        return "nothing stays"
    return "what stays: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kept.items()))


def is_created(account: Account, stack: str) -> bool:
    """Whether the stack exists, and its first creation did not fail."""
    return status_of(account, stack) not in (
        None,
        "DELETE_COMPLETE",
        "REVIEW_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
    )


def is_protected(account: Account, stack: str) -> bool:
    """Whether the stack is protected from deletion."""
    return bool(_described(account, stack).get("EnableTerminationProtection"))


def unprotect(account: Account, stack: str) -> None:
    """Switch the stack's protection from deletion off."""
    account.client("cloudformation").update_termination_protection(
        StackName=stack_name(stack, account.stage), EnableTerminationProtection=False
    )


def is_deployed(account: Account, stack: str) -> bool:
    """Whether the stack exists."""
    return status_of(account, stack) not in (None, "DELETE_COMPLETE")


def status_of(account: Account, stack: str) -> str | None:
    """A stack's status in CloudFormation, if there is such a stack."""
    return _described(account, stack).get("StackStatus")


def _described(account: Account, stack: str) -> dict[str, Any]:
    """A stack as CloudFormation describes it; empty if there is none."""
    client = account.client("cloudformation")
    try:
        [found] = client.describe_stacks(StackName=stack_name(stack, account.stage))["Stacks"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return {}
    return dict(found)
