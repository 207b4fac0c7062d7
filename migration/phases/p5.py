"""Phase 5: observability, then nothing is left of the migration. The end is today's stacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Final

import httpx

from migration.before.names import OWNERS, PREFIX, stack_name
from migration.kit import move
from migration.kit.changes import Counts, Limits
from migration.phases.checks import Check, until
from migration.phases.context import Context
from migration.phases.p4 import events_and_rest
from migration.phases.stack_templates import ALARM, MIGRATION, Templates
from migration.phases.steps import Step
from tools.deploy import stacks
from tools.observe import alarms
from tools.observe.meter import Meter

NUMBER: Final = 5
TITLE: Final = "observability"
UNITS: Final = (*OWNERS, "reporter-links")
DIFFED: Final = ("contracts", *OWNERS)
RAISING: Final = "processor-erase"
ERRORS: Final = f"{PREFIX}-processor-errors"
DRIFT_SECONDS: Final = 60.0


def plan(context: Context) -> list[str]:
    """What each stack gains. Here alarms stand under a condition, and the meter makes them."""
    lines = []
    for unit in UNITS:
        today = context.today(unit)["Resources"].values()
        number = sum(resource["Type"] == ALARM for resource in today)
        counts = context.stacks.plan(stack_name(unit), context.today(unit)).counts
        lines.append(f"{stack_name(unit)}: {number} alarms; {counts}")
    return lines


def deploy(unit: str, context: Context) -> list[str]:
    """Today's template, by the command that deploys it every day."""
    return [f"{stack_name(unit)}: {stacks.deploy_stack(context.account, unit)}"]


def blind(unit: str, context: Context) -> list[str]:
    """Today's template without what observes."""
    template = Templates(context).today(unit)
    done = context.stacks.reach(stack_name(unit), template, Limits(remove=None))
    return [f"{done.stack}: {done.counts}"]


def remove_scaffold(context: Context) -> list[str]:
    """The migration's own stack goes; the shared table stays in the account, without a stack."""
    context.stacks.delete(MIGRATION)
    return [f"{MIGRATION}: deleted"]


def restore_scaffold(context: Context) -> list[str]:
    """The shared table is in the migration's stack again, with the deploying roles."""
    templates = Templates(context)
    taken = move.adopt(context.stacks, MIGRATION, templates.scaffold(shared=True), "Shared")
    template = templates.scaffold(shared=True, roles=True)
    roles = context.stacks.reach(MIGRATION, template, Counts(add=2))
    return [f"{one.stack}, {one.kind}: {one.counts}" for one in (*taken, roles)]


STEPS: Final = (
    *(Step(f"today's {unit}", partial(deploy, unit), partial(blind, unit)) for unit in UNITS),
    Step("scaffold goes", remove_scaffold, restore_scaffold),
)


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """Nothing is left to deploy, nothing has drifted, and an error is seen."""
    for unit in DIFFED:
        yield _undiffed(context, unit)
    for unit in (*DIFFED, "reporter-links"):
        status = drift(context, stack_name(unit))
        yield Check(f"drift of {stack_name(unit)}", status, status == "IN_SYNC")
    left = context.stacks.status(MIGRATION)
    yield Check(f"{MIGRATION}", str(left or "gone"), left is None)
    yield raised(context)
    yield from events_and_rest(context, asked_ms)


def _undiffed(context: Context, unit: str) -> Check:
    output = stacks.diff(context.account, unit)
    same = output.count("There were no differences")
    wanted = len(stacks.stacks_of(unit))
    return Check(
        f"cdk diff of {unit}", f"{same} of {wanted} stacks without differences", same == wanted
    )


def drift(context: Context, stack: str) -> str:
    """What CloudFormation finds when it compares a stack with what there is."""
    client = context.account.client("cloudformation")
    detection = client.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    deadline = time.monotonic() + DRIFT_SECONDS
    while time.monotonic() < deadline:
        found = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return str(found.get("StackDriftStatus", found["DetectionStatus"]))
        time.sleep(0.2)
    return "still being detected"


def raised(context: Context) -> Check:
    """A function that raises turns its service's alarm to `ALARM`."""
    meter = Meter(context.account, context.home / "meter-of-rehearsal.json")
    _tick(meter)
    context.account.client("lambda").invoke(
        FunctionName=f"{PREFIX}-{RAISING}", Qualifier="live", Payload=b"{}"
    )

    def state() -> str:
        _tick(meter)
        return alarms.states(context.account).get(ERRORS, "none")

    until(lambda: state() == "ALARM")
    return Check(f"{ERRORS} after {RAISING} raised", state(), state() == "ALARM")


def _tick(meter: Meter) -> None:
    """Measure; what the embedded AWS does not answer in time is measured by the next tick."""
    with suppress(httpx.TimeoutException):
        meter.tick()
