"""One embedded AWS for all tests of this folder, with every stack deployed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runbooks.stage import MINUTE, Clock, MeteredStage, eventually
from tools.build.progress import Steps
from tools.demo.system import DeployedSystem
from tools.deploy import stacks
from tools.deploy.account import administrator
from tools.emulator import outputs
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port
from tools.observe import operate
from tools.observe.meter import Meter


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeteredStage]:
    emulator = Emulator(tmp_path_factory.mktemp("embedded-aws"), SAVE_RARELY)
    steps = Steps()
    try:
        stacks.deploy(stacks.start(emulator, steps, free_port()), stacks.ALL, steps)
        running = emulator.running()
        assert running is not None
        clock = Clock()
        with (
            administrator(running) as account,
            DeployedSystem(outputs.collect(account), account) as system,
        ):
            meter = Meter(account, emulator.home / "meter.json", clock)
            meter.tick()
            yield MeteredStage(account, system, meter, clock)
    finally:
        emulator.stop()


@pytest.fixture(autouse=True)
def leaves_all_well(stage: MeteredStage) -> Iterator[None]:
    """The next test must not meet what this one broke: it is put right, and fails the test.

    The age of a message that was on its way while the clock was moved on is over in a minute.
    """
    yield
    left = stage.disabled()
    for name in left:
        operate.enable(stage.account, name)
    eventually(lambda: _is_calm(stage), "no alarm is left on")
    assert left == [], "this test left it disabled"


def _is_calm(stage: MeteredStage) -> bool:
    if not stage.raised():
        return True
    stage.passes(MINUTE, 1)
    return False
