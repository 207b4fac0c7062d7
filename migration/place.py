"""The rehearsal's own embedded AWS: another folder, another port, the same names as `make up`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tools.build.progress import Steps
from tools.deploy import stacks
from tools.deploy.account import Account, administrator
from tools.emulator.emulator import Emulator
from tools.paths import HOME as LOCAL

HOME: Final = LOCAL / "migration"
DEFAULT_PORT: Final = 4630


class NotStartedError(RuntimeError):
    """The rehearsal's embedded AWS does not run."""


def home() -> Path:
    """Its folder; `MIGRATION_HOME` names another, for tests."""
    return Path(os.environ.get("MIGRATION_HOME", HOME))


def start(steps: Steps) -> Account:
    """Start it, or use what runs; bootstrap CDK. The port is `PORT`, by default 4630."""
    port = os.environ.get("PORT")
    emulator = Emulator(home())
    fresh = None if emulator.record.exists() else DEFAULT_PORT
    return stacks.start(emulator, steps, int(port) if port else fresh)


def begun() -> bool:
    """Whether the embedded AWS runs and questions were asked."""
    return Emulator(home()).running() is not None and (home() / "journal.jsonl").exists()


def account() -> Account:
    """Its administrator. Raises `NotStartedError`."""
    running = Emulator(home()).running()
    if running is None:
        raise NotStartedError("the rehearsal has not begun: `make migrate-before`")
    return administrator(running)
