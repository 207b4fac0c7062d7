"""A storm of faults over a few hundred events; `python -m tests.sweep.storm 10000` is the big one."""

from __future__ import annotations

from tests.integration.world import World
from tests.sweep.storm import compare


def test_a_storm_ends_as_a_calm_day(world: World) -> None:
    assert compare(world, 300) == []
