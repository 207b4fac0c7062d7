"""The command line behind the Makefile: `python -m tools --help`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import httpx

from tools.build.node import NodeError
from tools.build.progress import Steps
from tools.demo import demo
from tools.deploy import pipeline, run
from tools.deploy.cdk import LOCAL_STAGE, DeployError
from tools.emulator import outputs, watch
from tools.emulator.aws import administrator
from tools.emulator.emulator import Emulator, EmulatorError, Running
from tools.emulator.outputs import NotDeployedError
from tools.paths import HOME, shown

if TYPE_CHECKING:
    from collections.abc import Callable

EXPECTED = (
    demo.DemoError,
    DeployError,
    EmulatorError,
    NodeError,
    NotDeployedError,
    run.RunError,
    BrokenPipeError,
)


def _start(_: argparse.Namespace, steps: Steps) -> None:
    pipeline.start(Emulator(HOME), steps, _port())


def _port() -> int | None:
    """`PORT`, if it is given. Raises `EmulatorError`."""
    port = os.environ.get("PORT", "")
    if not port:
        return None
    if not port.isdecimal() or not 1024 <= int(port) <= 65_534:
        raise EmulatorError(f"PORT={port!r} is no port: choose a number from 1024 to 65534")
    return int(port)


def _deploy(arguments: argparse.Namespace, steps: Steps) -> None:
    if arguments.stage != LOCAL_STAGE:
        pipeline.deploy_to_account(arguments.stage, arguments.units, steps)
        return
    running = _running()
    pipeline.deploy(Emulator(HOME), running, arguments.units, steps)
    if "reporter-links" in arguments.units:
        outputs.write(HOME / "outputs.json", outputs.collect(running, administrator(running)))
        steps.say(f"addresses, names and credentials: {shown(HOME / 'outputs.json')}")


def _down(_: argparse.Namespace, steps: Steps) -> None:
    with steps.step("stop the embedded AWS") as step:
        step.note("its data is kept" if Emulator(HOME).stop() else "it was not running")


def _clean(_: argparse.Namespace, steps: Steps) -> None:
    with steps.step("forget the embedded AWS"):
        Emulator(HOME).forget()


def _status(_: argparse.Namespace, __: Steps) -> None:
    print(watch.status(Emulator(HOME)))


def _logs(_: argparse.Namespace, __: Steps) -> None:
    watch.follow(administrator(_running()), sys.stdout)


def _run(arguments: argparse.Namespace, _: Steps) -> None:
    run.serve(arguments.service, administrator(_running()))


def _ops(arguments: argparse.Namespace, _: Steps) -> None:
    embedded = administrator(_running()) if arguments.stage == LOCAL_STAGE else None
    run.operate(arguments.service, arguments.arguments, arguments.stage, embedded)


def _demo(_: argparse.Namespace, steps: Steps) -> None:
    demo.show(outputs.read(HOME / "outputs.json"), administrator(_running()), steps)


def _running() -> Running:
    running = Emulator(HOME).running()
    if running is None:
        raise NotDeployedError("the embedded AWS is not running: `make up` starts it")
    return running


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(
        name: str, act: Callable[[argparse.Namespace, Steps], None], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(act=act)
        return added

    command("start", _start, "start and bootstrap the embedded AWS")
    deploying = command("deploy", _deploy, "deploy synthesised stacks")
    deploying.add_argument("--stage", default=LOCAL_STAGE)
    deploying.add_argument("units", nargs="+")
    command("down", _down, "stop it, keep its data")
    command("clean", _clean, "stop it, forget its data")
    command("status", _status, "what runs where")
    command("logs", _logs, "follow the functions' logs")
    command("run", _run, "serve a service's API with reload").add_argument("service")
    operating = command("ops", _ops, "a service's operator commands")
    operating.add_argument("--stage", default=LOCAL_STAGE)
    operating.add_argument("service")
    operating.add_argument("arguments", nargs=argparse.REMAINDER)
    command("demo", _demo, "send the sample questions and print the report")
    return parser


def main() -> None:
    """Run a command; what can go wrong is one line with its remedy."""
    arguments = _parser().parse_args()
    try:
        arguments.act(arguments, Steps())
    except EXPECTED as error:
        sys.exit(f"error: {error}")
    except httpx.HTTPError as error:
        sys.exit(f"error: {error}\n`make status` and `make logs` tell more")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
