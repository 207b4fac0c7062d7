"""The command line behind the Makefiles: `python -m tools --help`."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from botocore.exceptions import BotoCoreError, ClientError
from cv_contracts.errors import ApiError
from rich.console import Console

from tools.build.node import NodeError
from tools.build.progress import Steps
from tools.build.step import DISK_FULL, DISK_IS_FULL
from tools.demo import demo
from tools.deploy import (
    foundation,
    names,
    preflight,
    publish,
    releases,
    restore,
    retained,
    run,
    smoke,
    stacks,
    upkeep,
    wheel,
)
from tools.deploy.account import LOCAL_STAGE, NotReachableError, account_of
from tools.deploy.cdk import DeployError
from tools.emulator import outputs, watch
from tools.emulator.emulator import Emulator, EmulatorError
from tools.observe import days, evidence, funnel, operate, trace
from tools.observe import status as state
from tools.observe.metering import MeterError, MeterProcess
from tools.paths import HOME, shown

EXPECTED = (
    BotoCoreError,
    BrokenPipeError,
    ClientError,
    DeployError,
    EmulatorError,
    MeterError,
    NodeError,
    NotReachableError,
    demo.DemoError,
    evidence.EvidenceError,
    foundation.FoundationError,
    names.NotSynthesisedError,
    operate.OperateError,
    outputs.NotDeployedError,
    publish.PublishError,
    releases.NoSuchReleaseError,
    releases.UnderWayError,
    retained.RetainedError,
    run.RunError,
    smoke.SmokeError,
    upkeep.UpkeepError,
    wheel.WheelError,
)

# What follows the service's name, `--help` too, is for its own command line.
FOR_ANOTHER_PROGRAM = {
    "allow_extra_args": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
    "ignore_unknown_options": True,
}

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False
)


class Unit(StrEnum):
    """A deployable."""

    CONTRACTS = "contracts"
    PROCESSOR = "processor"
    REPORTER = "reporter"


class Service(StrEnum):
    """A deployable with functions."""

    PROCESSOR = "processor"
    REPORTER = "reporter"


DAY = "%Y-%m-%d"
Stage = Annotated[str, typer.Option(help="local, dev or prod")]
Home = Annotated[Path, typer.Option(help="the folder of the embedded AWS")]


def _print(lines: Iterator[object]) -> None:
    for line in lines:
        print(line, flush=True)


# ---- the embedded AWS ---------------------------------------------------------------------------


@contextmanager
def alone(stage: str = LOCAL_STAGE, home: Path = HOME) -> Iterator[None]:
    """One command that changes what the embedded AWS is at a time; the next one waits, and says so.

    It ends with the process, however that ends.
    """
    if stage != LOCAL_STAGE:
        yield
        return
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "commands.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            Steps().say("waiting for another command on this checkout's embedded AWS")
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        except (ApiError, BotoCoreError, ClientError, DeployError, httpx.HTTPError) as error:
            if Emulator(home).running() is None:
                gone = "the embedded AWS ended during this command: `make up` starts it again"
                raise NotReachableError(gone) from error
            raise


@app.command()
def start() -> None:
    """Start and bootstrap the embedded AWS."""
    with alone():
        stacks.start(Emulator(HOME), Steps(), _port())


def _port() -> int | None:
    """`PORT`, if it is given. Raises `EmulatorError`."""
    port = os.environ.get("PORT", "")
    if not port:
        return None
    if not port.isdecimal() or not 1024 <= int(port) <= 65_534:
        raise EmulatorError(f"PORT={port!r} is no port: choose a number from 1024 to 65534")
    return int(port)


@app.command()
def meter() -> None:
    """Start the meter, which evaluates the alarms on the embedded AWS."""
    with alone(), Steps().step("start the meter") as step:
        account_of(LOCAL_STAGE)
        step.note(f"process {MeterProcess(HOME).start()}")


@app.command()
def down() -> None:
    """Stop the embedded AWS, keep its data."""
    with alone(), Steps().step("stop the embedded AWS") as step:
        MeterProcess(HOME).stop()
        step.note("its data is kept" if Emulator(HOME).stop() else "it was not running")


@app.command()
def clean() -> None:
    """Stop the embedded AWS, delete its data."""
    with alone(), Steps().step("delete the embedded AWS's data"):
        MeterProcess(HOME).stop()
        Emulator(HOME).forget()


@app.command()
def status(stage: Stage = LOCAL_STAGE) -> None:
    """Show how both services are; of the embedded AWS, also what runs where."""
    emulator = Emulator(HOME)
    if stage != LOCAL_STAGE or emulator.running():
        _print(state.page(state.read(account_of(stage), datetime.now(UTC))))
    if stage == LOCAL_STAGE:
        print(watch.status(emulator))


@app.command("trace")
def trace_question(request: str, stage: Stage = LOCAL_STAGE) -> None:
    """Show the path of one question; exit code 1 if a hop is missing that had its time."""
    now, account = datetime.now(UTC), account_of(stage)
    found = evidence.gather(account, request, now)
    verdict = trace.diagnose(found, int(now.timestamp() * 1000))
    _print(trace.page(request, found, verdict))
    if verdict.missing:
        _print(state.disabled(account, now))
    raise typer.Exit(1 if verdict.missing else 0)


@app.command()
def enable(name: str, stage: Stage = LOCAL_STAGE) -> None:
    """Enable the event source mapping, rule or schedule that `status` shows as disabled."""
    _print(iter(operate.enable(account_of(stage), name)))


@app.command()
def purge(
    queue: str,
    stage: Stage = LOCAL_STAGE,
    yes: Annotated[bool, typer.Option(help="do not ask")] = False,
) -> None:
    """Delete all messages of a dead-letter queue, for ever, after asking."""
    account = account_of(stage)
    url = operate.dead_letter_queue(account, queue)
    _confirm(queue, yes=yes)
    operate.purge(account, url)
    print(f"{queue} is empty")


@app.command("funnel")
def show_funnel(
    stage: Stage = LOCAL_STAGE,
    first: Annotated[datetime | None, typer.Option("--from", formats=[DAY])] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=[DAY])] = None,
) -> None:
    """Show how far each day's questions came; exit code 1 if one is missing that had its time.

    Days are UTC; without `--from` seven of them, up to today.
    """
    now = datetime.now(UTC)
    to = (last or now).date()
    from_ = first.date() if first else to - timedelta(days=days.DEFAULT_DAYS - 1)
    read = days.read(account_of(stage), from_, to)
    now_ms = int(now.timestamp() * 1000)
    missing = funnel.differences(read, now_ms)
    _print(funnel.page(read, missing, now_ms))
    raise typer.Exit(1 if any(difference.is_due(now_ms) for difference in missing) else 0)


@app.command()
def logs() -> None:
    """Follow the functions' logs."""
    watch.follow(account_of(LOCAL_STAGE), sys.stdout)


@app.command("demo")
def show_demo() -> None:
    """Send the sample questions and print the report."""
    with alone():
        demo.show(outputs.read(HOME / "outputs.json"), account_of(LOCAL_STAGE), Steps())


# ---- a service's own programs -------------------------------------------------------------------


@app.command("run")
def serve(service: Service) -> None:
    """Serve a service's API with reload, against the embedded AWS."""
    run.serve(service, account_of(LOCAL_STAGE))


@app.command(context_settings=FOR_ANOTHER_PROGRAM)
def ops(context: typer.Context, service: Service, stage: Stage = LOCAL_STAGE) -> None:
    """A service's operators' commands."""
    run.operate(service, context.args, account_of(stage))


# ---- an account, before the first deployment and after the last ---------------------------------


@app.command("preflight")
def check_account(
    units: Annotated[list[Unit] | None, typer.Argument()] = None,
    stage: Stage = "dev",
    home: Home = HOME,
) -> None:
    """Show what would stop a deployment, and the command that helps. Changes nothing."""
    here = preflight.Preflight(account_of(stage, home), units or list(Unit))
    raise typer.Exit(preflight.show(preflight.run(here), Console(soft_wrap=True, highlight=False)))


@app.command()
def bootstrap(stage: Stage = "dev", home: Home = HOME) -> None:
    """Bootstrap CDK in the account, once."""
    _print(foundation.bootstrap(account_of(stage, home)))


@app.command()
def deploy_sender(stage: Stage = "dev", home: Home = HOME) -> None:
    """Deploy the SES identity that reports are sent from, once for all stages of an account."""
    _print(foundation.deploy_sender(account_of(stage, home)))


@app.command()
def deploy_github(repository: str, stage: Stage = "dev", home: Home = HOME) -> None:
    """Deploy the roles of the pipelines; print what GitHub must know of them."""
    _print(foundation.deploy_github(account_of(stage, home), repository))


@app.command()
def adopt(unit: Unit, stage: Stage = "dev", home: Home = HOME) -> None:
    """Import data that an earlier stack left into the new one, before it is deployed."""
    _print(retained.adopt(account_of(stage, home), unit))


@app.command()
def remove_data(
    unit: Unit,
    stage: Stage = "dev",
    home: Home = HOME,
    yes: Annotated[bool, typer.Option(help="do not ask")] = False,
) -> None:
    """Delete data that an earlier stack left, for ever, after asking."""
    _print(retained.remove(account_of(stage, home), unit, lambda name: yes or _typed(name)))


@app.command()
def remove_account(
    stage: Stage = "dev",
    home: Home = HOME,
    yes: Annotated[bool, typer.Option(help="do not ask")] = False,
) -> None:
    """Delete the pipelines' roles, the sender and CDK's bootstrap, after asking."""
    _confirm(f"account-{stage}", yes=yes)
    _print(foundation.remove(account_of(stage, home)))


# ---- deployment ---------------------------------------------------------------------------------


@app.command()
def deploy(units: list[Unit], stage: Stage = "dev", home: Home = HOME) -> None:
    """Deploy synthesised stacks; after the Reporter's, the links between the services."""
    with alone(stage, home):
        _deploy(units, stage, home)


def _deploy(units: list[Unit], stage: str, home: Path) -> None:
    steps, account = Steps(), account_of(stage, home)
    stacks.deploy(account, [stack for unit in units for stack in stacks.stacks_of(unit)], steps)
    if Unit.CONTRACTS in units:
        for line in wheel.upload(account):
            steps.say(line)
    for service in [unit for unit in units if unit is not Unit.CONTRACTS]:
        for line in releases.prune(account, service):
            steps.say(line)
    if account.is_local and stacks.linkable(account):
        outputs.write(home / "outputs.json", outputs.collect(account))
        steps.say(f"addresses, names and credentials: {shown(home / 'outputs.json')}")


@app.command()
def diff(unit: Unit, stage: Stage = "dev") -> None:
    """Show what deploying the synthesised assembly would change."""
    print(stacks.diff(account_of(stage), unit), end="")


@app.command()
def rollback(
    service: Service,
    stage: Stage = "dev",
    home: Home = HOME,
    version: Annotated[str | None, typer.Option(help="semver, commit or number")] = None,
) -> None:
    """Move the aliases of a service to an earlier version; by default the one before."""
    started, account = time.monotonic(), account_of(stage, home)
    moves = releases.plan(account, service, version)
    _print(releases.move(account, service, moves))
    count = sum(not move.stays for move in moves)
    print(f"{service} in {stage}: {count} functions moved in {time.monotonic() - started:.1f} s.")
    print("The next deployment of another version moves them forward again.")


@app.command()
def prune(service: Service, stage: Stage = "dev") -> None:
    """Delete the old versions of a service's functions, all but the newest ten."""
    _print(releases.prune(account_of(stage), service))


@app.command()
def destroy(
    unit: Unit,
    stage: Stage = "dev",
    home: Home = HOME,
    yes: Annotated[bool, typer.Option(help="do not ask")] = False,
) -> None:
    """Delete a unit's stack, and first the links to it."""
    account = account_of(stage, home)
    for stack in stacks.stacks_to_destroy(unit):
        if stacks.is_deployed(account, stack):
            protected = stacks.is_protected(account, stack)
            # Who types the name of a protected stack means it; a script does not.
            _confirm(names.stack_name(stack, stage), yes=yes and not protected)
            if protected:
                stacks.unprotect(account, stack)
            print(stacks.destroy(account, stack))


def _typed(name: str) -> bool:
    return bool(typer.prompt(f"Type {name} to delete it", default="") == name)


def _confirm(name: str, *, yes: bool) -> None:
    if not yes and not _typed(name):
        print("Nothing was deleted. YES=1 deletes without asking.")
        raise typer.Exit(1)


@app.command("smoke")
def smoke_test(
    unit: Annotated[Unit | None, typer.Argument(help="what was deployed")] = None,
    stage: Stage = "dev",
    home: Home = HOME,
) -> None:
    """Send a flagged question through the deployed system."""
    account = account_of(stage, home)
    _print(smoke.announced(account) if unit is Unit.CONTRACTS else smoke.run(account))


# ---- what runs at night, and releases -----------------------------------------------------------


@app.command()
def audit() -> None:
    """Ask the OSV database about every locked package; exit code 3: it did not answer."""
    _print(upkeep.audit())


@app.command()
def restore_test(stage: Stage = "dev") -> None:
    """Restore a copy of each table, read it, delete it."""
    _print(restore.restore_test(account_of(stage)))


@app.command()
def reconciliation_test(stage: Stage = "dev") -> None:
    """Let the Reporter compare itself with the Processor."""
    _print(upkeep.reconcile(account_of(stage)))


@app.command("publish")
def publish_release(unit: Unit) -> None:
    """Tag and release the present version on GitHub."""
    _print(publish.release(unit))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an expected failure is one line with its remedy, and exit code 1."""
    try:
        app(arguments, prog_name="tools")
    except upkeep.NoDataError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(upkeep.NO_DATA)
    except EXPECTED as error:
        sys.exit(f"error: {error}")
    except (ApiError, httpx.HTTPError) as error:
        sys.exit(f"error: {error}\n`make status` and `make logs` show more")
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        sys.exit(f"error: {DISK_IS_FULL}")


if __name__ == "__main__":
    main()
