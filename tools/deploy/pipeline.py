"""Bring the stacks up, in the order and the company that they can bear.

Used by `make up` and by the system test alike: there is one way to deploy.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tools.deploy import cdk
from tools.emulator.aws import administrator
from tools.paths import HOME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.build.progress import Steps
    from tools.emulator.emulator import Emulator, Running

ALL = ("contracts", "processor", "reporter", cdk.LINKS)
AT_ONCE = 2
# what AWS and the embedded AWS say when another stack has not published its parameters
NOT_THERE_YET = re.compile("Unable to fetch parameters|failed to resolve: SSM parameter")


def start(emulator: Emulator, steps: Steps, port: int | None = None) -> Running:
    """Start the embedded AWS and bootstrap CDK in it."""
    with steps.step("start the embedded AWS") as step:
        running = emulator.start(port)
        step.note(running.endpoint)
    destination = cdk.embedded(running, emulator.home)
    with steps.step("bootstrap CDK") as step:
        fresh = cdk.bootstrap(destination, administrator(running))
        step.note("" if fresh else "was there")
    return running


def deploy(emulator: Emulator, running: Running, units: Sequence[str], steps: Steps) -> None:
    """Deploy into the embedded AWS: the stacks, which are independent, together; then the links."""
    _deploy(cdk.embedded(running, emulator.home), units, steps)


def deploy_to_account(stage: str, units: Sequence[str], steps: Steps) -> None:
    """Deploy into the AWS account of the shell's credentials."""
    _deploy(cdk.account_of_caller(stage, HOME), units, steps)


def _deploy(destination: cdk.Destination, units: Sequence[str], steps: Steps) -> None:
    def one(unit: str) -> None:
        with steps.step(f"deploy {cdk.stack_name(destination.stage, unit)}") as step:
            step.note(cdk.deploy(destination, unit))

    with ThreadPoolExecutor(AT_ONCE) as together:
        list(together.map(one, [unit for unit in units if unit != cdk.LINKS]))
    if cdk.LINKS not in units:
        return
    try:
        one(cdk.LINKS)
    except cdk.DeployError as error:
        if "processor" in units or not NOT_THERE_YET.search(str(error)):
            raise
        steps.say("the links wait for the Processor: deploy it, then the Reporter again")
