"""A storm of faults; `python -m tests.faults.storm 10000` makes it a big one."""

from __future__ import annotations

from tests.component.world import World
from tests.faults.storm import compare


def test_a_storm_ends_as_a_calm_day(world: World) -> None:
    assert compare(world, 150) == []
