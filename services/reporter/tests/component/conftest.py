from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.component import world as worlds
from tests.sample import completed_events


@pytest.fixture(scope="package")
def deployed() -> Iterator[None]:
    """One mocked AWS with everything deployed, for all tests here.

    Not for the whole session: a mock inside a mock sees what the outer one holds.
    """
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in worlds.ENVIRONMENT.items():
            patch.setenv(name, value)
        worlds.forget_clients()
        worlds.World().deploy()
        yield
    worlds.forget_clients()


@pytest.fixture
def world(deployed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[worlds.World]:
    """A Reporter that has seen nothing yet."""
    for name, value in worlds.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    worlds.forget()
    worlds.restore(worlds.EMPTY)
    yield worlds.World()
    worlds.forget()


@pytest.fixture(scope="session")
def sampled() -> list[worlds.Snapshot]:
    """The table once the sample was projected; filled by the first test that wants it."""
    return []


@pytest.fixture
def busy(world: worlds.World, sampled: list[worlds.Snapshot]) -> worlds.World:
    """A Reporter that has seen the sample."""
    if not sampled:
        world.deliver(completed_events())
        world.pump()
        sampled.append(worlds.snapshot())
    world.position = worlds.restore(sampled[0])
    return world
