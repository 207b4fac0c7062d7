"""The command line behind `make migrate-…`: `python -m migration --help`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import typer
from botocore.exceptions import BotoCoreError, ClientError
from httpx import HTTPError
from rich.console import Console
from rich.table import Table

from migration import place, sender
from migration.before import deploy
from migration.kit.changes import ChangeError
from migration.kit.templates import UnknownResourceError
from migration.kit.traffic import SETTLED_SECONDS
from migration.phases import controls, evidence, final, rehearsal
from migration.phases.checks import Check
from migration.phases.context import Context, StateError
from tools.build.node import NodeError
from tools.build.progress import Steps
from tools.deploy import stacks
from tools.deploy.cdk import DeployError
from tools.emulator.emulator import Emulator, EmulatorError
from tools.paths import shown

EXPECTED = (
    BotoCoreError,
    ChangeError,
    ClientError,
    DeployError,
    EmulatorError,
    HTTPError,
    NodeError,
    StateError,
    UnknownResourceError,
    deploy.NotAsExpectedError,
    place.NotStartedError,
    rehearsal.InvariantError,
)

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False
)


@app.command()
def before() -> None:
    """The system before on an embedded AWS of its own, the sample weeks, then steady questions."""
    steps = Steps()
    context = Context(place.start(steps), place.home())
    if context.journal.entries():
        raise StateError("the rehearsal has begun: `make migrate-status`, or `make migrate-end`")
    evidence.begin(context, _rate())
    account = context.account
    stacks.deploy(account, ["contracts"], steps)
    deploy.deploy(account, steps)
    with steps.step("send both sample weeks to the queue") as step:
        plan = deploy.send_samples(account, datetime.now(UTC))
        step.note(f"{plan.sent} events")
        ids = {event["requestId"] for event in (*plan.by_queue, *plan.by_api)}
        deploy.settle(account, lambda: deploy.closed(account, ids))
    with steps.step("weekly reports") as step:
        lines = deploy.prove(account, plan)
        context.keep("sample-weeks", plan.weeks)
        step.note(f"{len(account.mails())} mails")
    for line in lines:
        steps.say(f"  {line}")
    sender.start(context)
    steps.say(f"questions come, {_rate():g} a second, until `make migrate-end`")


@app.command()
def phase(number: int) -> None:
    """One phase: plan, do, validate, back, validate, do, validate, evidence."""
    context = sender.here()
    sender.start(context)
    _print((way, one) for way, one in rehearsal.run(context, number, Steps()))


@app.command()
def back() -> None:
    """From the present state to the one before, and stay there."""
    rehearsal.back(sender.here(), Steps())


@app.command()
def wrong(case: str) -> None:
    """A usual wrong step, and the check that detects it; then the right tools heal it."""
    context = sender.here()
    sender.start(context)
    with Steps().step(f"{case}, then back to what was") as step:
        found = controls.run(context, case)
        step.note(found.value)
    if found.holds:
        raise rehearsal.InvariantError(f"{case} was not detected")
    print(f"detected by the check `{found.name}`: {found.value}")


@app.command()
def check() -> None:
    """All invariants, now; exit code 1 if one does not hold."""
    found = rehearsal.check(sender.here())
    _print(("now", one) for one in found)
    raise typer.Exit(0 if all(one.holds for one in found) else 1)


@app.command("all")
def everything() -> None:
    """All phases, then the final accounts; one that was interrupted goes on."""
    if not place.begun():
        before()
    context = sender.here()
    for one in rehearsal.PHASES:
        if not context.has_kept(f"evidence-{one.NUMBER}"):
            phase(one.NUMBER)
    end()


@app.command()
def status() -> None:
    """Which state, which stacks, how many questions."""
    context = sender.here()
    state = rehearsal.state_of(context.position)
    between = "" if state == int(state) else ", on the way: repeat the command, or `migrate-back`"
    print(f"state     S{state:g}{between}")
    for stack in context.account.client("cloudformation").describe_stacks()["Stacks"]:
        if stack["StackName"].startswith("cv-analytics"):
            print("stack    ", stack["StackName"], stack["StackStatus"])
    runs = "come" if sender.running(context.home) else "have stopped"
    print(f"questions {runs}; {len(context.journal.entries())} events sent")
    number = context.position.touched - 1
    if context.position.touched != context.position.complete:
        print(f"step      {rehearsal.STEPS[number].name}: begun, not ended")


@app.command()
def end() -> None:
    """Stop the questions, drain, final accounts; stop the embedded AWS and delete its data."""
    context = sender.here()
    with Steps().step("stop the questions, wait until none gets a further event"):
        sender.stop(context.home)
        time.sleep(SETTLED_SECONDS + 1)
    found = rehearsal.check(context)
    if rehearsal.state_of(context.position) == rehearsal.PHASES[-1].NUMBER:
        found += [*final.accounts(context), *evidence.faults(context)]
    _print(("end", one) for one in found)
    if not all(one.holds for one in found):
        raise typer.Exit(1)
    if context.has_kept(f"evidence-{rehearsal.PHASES[-1].NUMBER}"):
        evidence.write(context, found)
        print(f"evidence: {shown(evidence.PATH)}")
    if context.account.is_local:
        Emulator(context.home).forget()
    context.forget()


@app.command()
def record() -> None:
    """Keep the evidence of the last rehearsal with the documentation."""
    evidence.record()


@app.command(hidden=True)
def traffic() -> None:
    """The sender's process."""
    sender.serve(sender.here(), _rate())


def _rate() -> float:
    """Questions a second: `RATE`, by default 5."""
    return float(os.environ.get("RATE") or 5)


def _print(made: Iterable[tuple[str, Check]]) -> None:
    """A line for each check, a column for each time that it was made."""
    lines: dict[str, dict[str, Check]] = {}
    for way, one in made:
        lines.setdefault(one.name, {})[way] = one
    ways = list(dict.fromkeys(way for found in lines.values() for way in found))
    table = Table("", "check", *ways)
    for name, found in lines.items():
        holds = all(one.holds for one in found.values())
        values = (found[way].value if way in found else "" for way in ways)
        table.add_row("✓" if holds else "✗", name, *values)
    Console(highlight=False).print(table)


def main() -> None:
    """Run a command; an expected failure is one line, and exit code 1."""
    try:
        app(prog_name="migration")
    except EXPECTED as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
