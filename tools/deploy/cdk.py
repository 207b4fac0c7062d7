"""Deploy synthesised assemblies with the CDK command line: into the embedded AWS, or into AWS."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.build.node import CDK, node
from tools.emulator.emulator import ACCOUNT, REGION, Running
from tools.paths import ASSEMBLIES, TOOLS, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tools.emulator.aws import Caller

LOCAL_STAGE = "local"
LINKS = "reporter-links"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
WITH_HTTP_API = ("processor", "reporter")
# A pipeline's: the role that CloudFormation uses, in place of the caller's own permissions.
EXECUTION_ROLE = "AWS_EXECUTION_ROLE"


class DeployError(Exception):
    """A deployment failed; carries the end of what the CDK command line said."""


@dataclass(frozen=True)
class Destination:
    """Where to deploy to: the stage's name, and the environment of the CDK command line."""

    stage: str
    environment: dict[str, str]
    log: Path
    endpoint: str | None = None


def embedded(running: Running, home: Path) -> Destination:
    """The embedded AWS; nothing of the shell's AWS settings is passed on."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {
        "HOME": str(home / "tmp"),
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": running.access_key_id,
        "AWS_SECRET_ACCESS_KEY": running.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Destination(LOCAL_STAGE, environment, home / "logs", running.endpoint)


def account_of_caller(stage: str, home: Path) -> Destination:
    """The AWS account that the shell's credentials belong to."""
    return Destination(stage, dict(os.environ), home / "logs")


def bootstrap(destination: Destination, caller: Caller) -> bool:
    """`cdk bootstrap` the embedded AWS unless it is; tells whether it had to."""
    ssm = caller.client("ssm")
    if ssm.get_parameters(Names=[BOOTSTRAP_PARAMETER])["Parameters"]:
        return False
    _run(destination, "bootstrap", [f"aws://{ACCOUNT}/{REGION}"])
    return True


def deploy(destination: Destination, unit: str, assemblies: Path = ASSEMBLIES) -> str:
    """Deploy one stack from its assembly; returns `changed` or `unchanged`. Raises `DeployError`.

    `reporter-links` lies in the Reporter's assembly.
    """
    assembly = assemblies / destination.stage / unit.removesuffix("-links")
    if not (assembly / "manifest.json").exists():
        raise DeployError(f"{shown(assembly)} is missing: run `make synth-{unit}` first")
    flags = ["--app", str(assembly), "--exclusively", "--require-approval", "never"]
    if destination.endpoint is not None:
        flags += ["--method", "direct"]
        if unit in WITH_HTTP_API:
            flags += ["--parameters", f"LocalEndpoint={destination.endpoint}"]
    if role := destination.environment.get(EXECUTION_ROLE):
        flags += _limited_to(role, unit)
    said = _run(destination, f"deploy-{unit}", [*flags, stack_name(destination.stage, unit)])
    return "unchanged" if "(no changes)" in said else "changed"


def _limited_to(role: str, unit: str) -> list[str]:
    """CloudFormation's role, and the boundary for the roles that it makes, which has its name."""
    flags = ["--role-arn", role]
    if unit in WITH_HTTP_API:
        boundary = role.replace(":role/", ":policy/")
        flags += ["--parameters", f"PermissionsBoundary={boundary}"]
    return flags


def stack_name(stage: str, unit: str) -> str:
    """The CloudFormation stack of a unit."""
    return f"cv-analytics-{unit}-{stage}"


def _run(destination: Destination, name: str, arguments: list[str]) -> str:
    command = [str(node()), str(CDK), name.split("-")[0], *arguments]
    flags = ["--no-color", "--no-notices", "--ci", "--progress", "events"]
    quiet = {
        "CDK_HOME": str(TOOLS / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CI": "true",
    }
    answer = subprocess.run(
        [*command, *flags],
        env=destination.environment | quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    destination.log.mkdir(parents=True, exist_ok=True)
    log = destination.log / f"{name}.log"
    log.write_text(answer.stdout, encoding="utf-8")
    if answer.returncode:
        end = "\n".join(answer.stdout.strip().splitlines()[-15:])
        raise DeployError(f"{end}\ncdk {name} failed, see {shown(log)}")
    return answer.stdout
