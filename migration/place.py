"""The rehearsal's own embedded AWS: another folder, another port, the same names as `make up`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from migration.before.names import STAGE
from tools.build.progress import Steps
from tools.deploy import stacks
from tools.deploy.account import LOCAL_STAGE, Account, account_of, administrator
from tools.emulator.emulator import SAVE_RARELY, Emulator
from tools.paths import HOME as LOCAL

HOME: Final = LOCAL / ("migration" if STAGE == LOCAL_STAGE else f"migration-{STAGE}")
DEFAULT_PORT: Final = 4630


class NotStartedError(RuntimeError):
    """The rehearsal's embedded AWS does not run."""


def home() -> Path:
    """Its folder; `MIGRATION_HOME` names another, for tests."""
    return Path(os.environ.get("MIGRATION_HOME", HOME))


def emulator(folder: Path) -> Emulator:
    """The embedded AWS of a folder."""
    return Emulator(folder, SAVE_RARELY)


def start(steps: Steps) -> Account:
    """Start it, or use what runs; bootstrap CDK. The port is `PORT`, by default 4630.

    In an account nothing is started, and CDK is bootstrapped already.
    """
    if STAGE != LOCAL_STAGE:
        home().mkdir(parents=True, exist_ok=True)
        return account_of(STAGE)
    port = os.environ.get("PORT")
    here = emulator(home())
    fresh = None if here.record.exists() else DEFAULT_PORT
    return stacks.start(here, steps, int(port) if port else fresh)


def begun() -> bool:
    """Whether the embedded AWS runs and questions were asked."""
    there = STAGE != LOCAL_STAGE or Emulator(home()).running() is not None
    return there and (home() / "journal.jsonl").exists()


def account() -> Account:
    """Its administrator, or the caller in an account. Raises `NotStartedError`."""
    if STAGE != LOCAL_STAGE:
        return account_of(STAGE)
    running = Emulator(home()).running()
    if running is None:
        raise NotStartedError("the rehearsal has not begun: `make migrate-before`")
    return administrator(running)
