"""A storm of faults; `python -m tests.sweep.storm 10000` makes it a big one."""

from __future__ import annotations

from tests.integration.world import World
from tests.sweep.storm import compare


def test_a_storm_ends_as_a_calm_day(world: World) -> None:
    assert compare(world, 150) == []
