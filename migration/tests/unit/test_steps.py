"""The order of steps: an interrupted command goes on, in either direction, from wherever it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from migration.phases import rehearsal
from migration.phases.context import Position
from migration.phases.steps import Step, nothing


class KilledError(BaseException):
    """SIGKILL."""


@dataclass
class World:
    """Three facts that steps establish and take back; `lives` actions until the next kill."""

    position: Position = field(default_factory=Position)
    there: list[int] = field(default_factory=list)
    lives: int | None = None

    def move_to(self, position: Position) -> None:
        self.act()
        self.position = position

    def act(self) -> None:
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                raise KilledError


def step(number: int) -> Step:
    def do(world: Any) -> list[str]:
        world.act()
        if number not in world.there:
            assert world.there == list(range(number))
            world.there.append(number)
        world.act()
        return [str(number)]

    def undo(world: Any) -> list[str]:
        world.act()
        if number in world.there:
            assert world.there[-1] == number
            world.there.remove(number)
        world.act()
        return [str(number)]

    return Step(str(number), do, undo)


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "STEPS", tuple(map(step, range(3))))


def until_done(world: World, direction: Any, target: int, lives: int) -> int:
    """Repeat a command that is killed again and again; returns how often it was killed."""
    kills = 0
    while True:
        world.lives = lives
        try:
            direction(world, target, lambda _: None)
        except KilledError:
            kills += 1
        else:
            world.lives = None
            return kills


@pytest.mark.parametrize("lives", range(4, 13))
def test_a_command_that_is_killed_at_any_action_ends_where_it_should(lives: int) -> None:
    world = World()
    until_done(world, rehearsal.forward, 3, lives)
    assert (world.there, world.position) == ([0, 1, 2], Position(3, 3))
    until_done(world, rehearsal.backward, 0, lives)
    assert (world.there, world.position) == ([], Position(0, 0))


@pytest.mark.parametrize("lives", range(12))
def test_a_way_forward_that_was_killed_can_be_undone(lives: int) -> None:
    world = World(lives=lives)
    with pytest.raises(KilledError):
        rehearsal.forward(world, 3, lambda _: None)  # type: ignore[arg-type]
    world.lives = None
    rehearsal.backward(world, 0, lambda _: None)  # type: ignore[arg-type]
    assert (world.there, world.position) == ([], Position(0, 0))


@pytest.mark.parametrize("lives", range(12))
def test_a_way_back_that_was_killed_can_be_taken_forward_again(lives: int) -> None:
    world = World()
    rehearsal.forward(world, 3, lambda _: None)  # type: ignore[arg-type]
    world.lives = lives
    with pytest.raises(KilledError):
        rehearsal.backward(world, 0, lambda _: None)  # type: ignore[arg-type]
    world.lives = None
    rehearsal.forward(world, 3, lambda _: None)  # type: ignore[arg-type]
    assert (world.there, world.position) == ([0, 1, 2], Position(3, 3))


@pytest.mark.parametrize(
    ("position", "state"),
    [
        (Position(), 0),
        (Position(0, 1), 0.5),
        (Position(rehearsal.ENDS[0], rehearsal.ENDS[0]), 0),
        (Position(rehearsal.ENDS[1], rehearsal.ENDS[1]), 1),
        (Position(rehearsal.ENDS[1] + 1, rehearsal.ENDS[1] + 1), 1.5),
        (Position(rehearsal.ENDS[2] - 1, rehearsal.ENDS[2]), 1.5),
        (Position(rehearsal.ENDS[5], rehearsal.ENDS[5]), 5),
    ],
)
def test_the_state_of_a_position(position: Position, state: float) -> None:
    assert rehearsal.state_of(position) == state


def test_a_step_without_a_way_back_changes_nothing() -> None:
    assert nothing(None) == []  # type: ignore[arg-type]
