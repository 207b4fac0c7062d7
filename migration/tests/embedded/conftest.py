from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from migration import place, sender
from migration.before import deploy
from migration.phases.context import Context
from tools.build.progress import Steps
from tools.deploy import stacks
from tools.emulator.emulator import free_port
from tools.paths import LOGS


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The system before, deployed; no questions yet."""
    home = tmp_path_factory.mktemp("rehearsal")
    emulator = place.emulator(home)
    try:
        with stacks.start(emulator, Steps(), free_port()) as account:
            stacks.deploy(account, ["contracts"], Steps())
            deploy.deploy(account, Steps())
            yield Context(account, home)
    finally:
        sender.stop(home)
        emulator.stop()
        LOGS.mkdir(parents=True, exist_ok=True)
        shutil.copy(emulator.log, LOGS / "migration-emulator.log")
