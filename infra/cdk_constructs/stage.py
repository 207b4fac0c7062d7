"""What differs between the places that a stack is deployed to."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Stage:
    """A place to deploy to. Every stage gets the same templates, with these differences.

    `emulated` is the embedded AWS: it speaks plain HTTP on the loopback interface and lacks a few
    resource types (see `cdk_constructs.emulator`). `alarm_email` comes from the environment
    variable `ALARM_EMAIL`, never from the repository; where a stage `needs_subscriber`, its stacks
    are not synthesised without.

    The consumer of a queue has `batch_seconds` for a batch. Its queue hides a message for a
    multiple of that, so what a killed function had comes back after as long.
    """

    name: str
    log_retention_days: int
    monthly_budget_usd: int
    keeps_data: bool
    canary: bool
    needs_subscriber: bool = False
    alarm_email: str | None = None
    emulated: bool = False
    batch_seconds: int = 30


STAGES: Final = {
    stage.name: stage
    for stage in (
        Stage(
            name="local",
            log_retention_days=1,
            monthly_budget_usd=1,
            keeps_data=False,
            canary=False,
            emulated=True,
            batch_seconds=20,
        ),
        Stage(
            name="dev",
            log_retention_days=14,
            monthly_budget_usd=10,
            keeps_data=True,
            canary=False,
        ),
        Stage(
            name="prod",
            log_retention_days=90,
            monthly_budget_usd=25,
            keeps_data=True,
            canary=True,
            needs_subscriber=True,
        ),
    )
}


class UnknownStageError(ValueError):
    """`STAGE` names none of the stages."""


def stage_named(name: str) -> Stage:
    """The stage of that name. Raises `UnknownStageError`."""
    try:
        return STAGES[name]
    except KeyError:
        raise UnknownStageError(
            f"STAGE={name!r} is not a stage; it must be one of {', '.join(STAGES)}"
        ) from None


def stage_of_environment() -> Stage:
    """The stage that `STAGE` names; `dev` without it. Its alarms go to `ALARM_EMAIL`."""
    stage = stage_named(os.environ.get("STAGE", "dev"))
    return replace(stage, alarm_email=os.environ.get("ALARM_EMAIL") or None)
