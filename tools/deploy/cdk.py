"""The CDK command line, on synthesised assemblies."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tools.build.node import CDK, node
from tools.paths import ASSEMBLIES, LOGS, TOOLS, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.deploy.account import Account

FLAGS: Final = ("--no-color", "--no-notices", "--ci", "--progress", "events")


class DeployError(RuntimeError):
    """A deployment failed; carries the end of the CDK command line's output."""


def run(account: Account, command: str, name: str, arguments: Sequence[str]) -> str:
    """Run a command; returns its output, which is kept in a log, too. Raises `DeployError`."""
    quiet = {"CDK_HOME": str(TOOLS / "cdk-home"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
    done = subprocess.run(
        [str(node()), str(CDK), command, *arguments, *FLAGS],
        env={**account.environment, **quiet},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log = LOGS / f"cdk-{command}-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        end = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise DeployError(f"{end}\ncdk {command} {name} failed, see {shown(log)}")
    return done.stdout


def assembly(stage: str, unit: str, assemblies: Path = ASSEMBLIES) -> tuple[str, str]:
    """The CDK CLI's arguments that name a unit's assembly. Raises `DeployError`.

    `reporter-links` is in the Reporter's assembly.
    """
    folder = assemblies / stage / unit.removesuffix("-links")
    if not (folder / "manifest.json").exists():
        target = f"synth-{unit.removesuffix('-links')}"
        raise DeployError(f"{shown(folder)} is missing: run `make {target} STAGE={stage}` first")
    return "--app", str(folder)
