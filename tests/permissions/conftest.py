"""An embedded AWS of its own that writes down every IAM decision while the scenario runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.permissions.scenario import Scenario
from tools.build.progress import Steps
from tools.demo.system import DeployedSystem
from tools.deploy import stacks
from tools.deploy.account import administrator
from tools.emulator import outputs
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDER = Path(__file__).parent / "recorder"


class RecordingEmulator(Emulator):
    """The embedded AWS, with the recorder on its path."""

    @property
    def decisions(self) -> Path:
        """Where it writes them."""
        return self.home / "decisions.jsonl"

    def _environment(self, port: int) -> dict[str, str]:
        environment = super()._environment(port)
        path = os.pathsep.join((str(RECORDER), environment["PYTHONPATH"]))
        return environment | {"PYTHONPATH": path, "IAM_DECISIONS": str(self.decisions)}


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingEmulator]:
    emulator = RecordingEmulator(tmp_path_factory.mktemp("embedded-aws"), SAVE_RARELY)
    steps = Steps()
    try:
        stacks.deploy(stacks.start(emulator, steps, free_port()), stacks.ALL, steps)
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture(scope="session")
def played(emulator: RecordingEmulator) -> RecordingEmulator:
    """The same, after everything was asked once."""
    running = emulator.running()
    assert running is not None
    admin = administrator(running)
    system = DeployedSystem(outputs.collect(admin), admin)
    try:
        Scenario(system, admin).play()
    finally:
        for client in (system.processor, system.reporter, system.queue, system.client):
            client.close()
    return emulator
