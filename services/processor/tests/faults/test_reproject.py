"""A re-projection at every step: what readers see is what is stored, whoever dies or writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle, islice
from typing import Any

import pytest

from cv_processor.application.errors import UnavailableError
from cv_processor.application.reproject import Progress, ReprojectionStoppedError
from tests.component.layouts import (
    SESSIONS,
    SHARDS,
    Clock,
    Container,
    fill,
    fill_first_day,
    misplaced,
    republished_wrongly,
    seen_wrongly,
    stored_layout,
)
from tests.component.world import World
from tests.events import ASKED, query, response
from tests.faults.faults import Crash, Faults, injected

EVERY_SECONDS = 10
"""How often others look and write while a command waits."""


class During(Faults):
    """Lets something happen before each call of a command, or before one of them."""

    def __init__(self, happens: Callable[[], object], only: int | None = None) -> None:
        super().__init__()
        self.happens, self.only = happens, only
        self._busy = False

    def on_build(self, params: dict[str, Any], model: Any, **others: Any) -> None:
        """A call begins; the calls of what happens come through here, too."""
        if self._busy:
            return
        self._busy = True
        super().on_build(params, model, **others)
        if self.only in (None, len(self.calls) - 1):
            self.happens()
        self._busy = False

    def pause(self, others: Callable[[], None]) -> None:
        """Calls of others that are no calls of the command."""
        self._busy = True
        others()
        self._busy = False


@dataclass
class Stage:
    """A table that was written in `old` shards, and is to have `new` ones."""

    world: World
    old: int
    new: int
    days: int = 1
    clock: Clock = field(default_factory=Clock)
    numbers: Iterator[int] = field(default_factory=count)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.clear()
        settings = (self.old, self.new)
        self.readers = cycle([self.container(shards) for shards in settings])
        self.writers = [self.container(shards) for shards in settings]
        (fill_first_day if self.days == 1 else fill)(self.writers[0])
        for each in (next(self.readers), next(self.readers), *self.writers):
            each.given.layouts.current()

    def container(self, shards: int) -> Container:
        """One whose layout may be as old as any ever is."""
        return Container.start(shards, self.clock.slow)

    def look(self, *more: Container) -> None:
        """As one of the readers that run since the beginning, in turn, and as others."""
        for reader in (next(self.readers), *more):
            self.problems += seen_wrongly(self.world, reader, self.days)

    def write(self) -> None:
        """New questions, and for a while an answer, a correction, and a deadline that ends."""
        for writer in (Container.start(self.new, self.clock), *self.writers):
            number = next(self.numbers)
            session = SESSIONS[number % len(SESSIONS)]
            at = {"sessionId": session, "timestamp": ASKED + number}
            writer.ingest(query(f"new-{number}", **at), response(f"new-{number}", **at))
            if number < len(SESSIONS):
                writer.ingest(response(f"open-{number}", sessionId=session))
                writer.ingest(query(f"q-{number}", **at | {"timestamp": ASKED + 9}))
                writer.ingest(query(f"late-{number}", **at | {"timestamp": ASKED + 7}))
                writer.close(f"late-{number}")

    def wait(self, seconds: int) -> None:
        """Time goes by; meanwhile others look and write."""
        self.clock.now += seconds
        if self.clock.now % EVERY_SECONDS == 0:
            self.write()
            self.look()

    def pass_by(self, seconds: int) -> None:
        """Time goes by, and nothing happens."""
        self.clock.now += seconds

    def run(self, shards: int | None = None, wait: Callable[[int], None] | None = None) -> int:
        """The command; how many questions it moved."""
        operator = Container.start(self.new, self.clock)
        moved = 0
        for progress in operator.reproject(shards or self.new, wait or self.pass_by):
            moved = progress.moved
        return moved

    def end(self, shards: int) -> list[str]:
        """What is wrong after a command that ended."""
        self.pass_by(120)
        self.look()
        if stored_layout() != (shards, shards, 0):
            self.problems.append(f"layout: {stored_layout()}")
        return [*self.problems, *misplaced(self.world, shards)]


@pytest.mark.parametrize(("old", "new"), [(4, 1), (1, 4), (4, 3)])
def test_at_every_step_every_reader_sees_what_is_stored_while_all_containers_write(
    world: World, old: int, new: int
) -> None:
    stage = Stage(world, old, new, days=2)

    def others() -> None:
        if len(at_each_call.calls) % 3 == 0:
            stage.write()
        stage.look()

    def wait(seconds: int) -> None:
        at_each_call.pause(lambda: stage.wait(seconds))

    at_each_call = During(others)
    with injected(at_each_call):
        assert stage.run(wait=wait) > 0
    stage.write()
    stage.look(Container.start(old, stage.clock), Container.start(new, stage.clock))
    assert stage.end(new) == []
    assert republished_wrongly(world, Container.start(new, stage.clock)) == []


def about_to_move(stage: Stage) -> Iterator[Progress]:
    """A command that has waited, and moves the questions next."""
    run = Container.start(stage.new, stage.clock).reproject(stage.new, stage.pass_by)
    for progress in run:
        if progress.wait == 1 and stored_layout() == (stage.new, max(stage.old, stage.new), 1):
            return run
    raise AssertionError


@pytest.mark.parametrize(("old", "new"), [(4, 3), (1, 4)])
def test_a_reader_whose_calls_lie_before_and_behind_the_moves_sees_each_question_once(
    world: World, old: int, new: int
) -> None:
    """All entries move between two of its calls, for every such place."""
    place, calls = 0, 1
    while place < calls:
        stage = Stage(world, old, new)
        run = about_to_move(stage)
        reader = Container.start(new, stage.clock)
        reader.given.layouts.current()

        def moves(run: Iterator[Progress] = run) -> None:
            assert next(run).moved > 0

        between = During(moves, only=place)
        with injected(between):
            problems = seen_wrongly(world, reader, days=1)
        assert problems == [], place
        assert misplaced(world, new) == []
        place, calls = place + 1, len(between.calls)
    assert calls > 2 * SHARDS


@pytest.mark.parametrize(("old", "new"), [(4, 1), (1, 4), (4, 3)])
def test_paging_while_entries_move_shows_no_question_twice_and_hides_none(
    world: World, old: int, new: int
) -> None:
    """All of them are of the same millisecond; pages are of one, and all move between two."""
    for pages in range(len(SESSIONS)):
        stage = Stage(world, old, new)
        run = about_to_move(stage)
        listed = Container.start(new, stage.clock).listed(days=1, limit=1)
        shown = list(islice(listed, pages))
        assert next(run).moved > 0
        assert [*shown, *listed] == [f"same-{number}" for number in range(len(SESSIONS))]


def cut(stage: Stage, faults: Faults, shards: int | None = None) -> None:
    """A command that a fault may end."""
    with injected(faults):
        try:
            stage.run(shards)
        except (Crash, UnavailableError, ReprojectionStoppedError):
            return


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("crash after", 1), ("resend", 1), ("throttle", 1), ("crash after", 4), ("crash after", 2)],
)
@pytest.mark.parametrize(("old", "new"), [(4, 1), (1, 4)])
def test_a_command_that_is_cut_off_at_any_call_is_ended_by_the_next_one(
    world: World, old: int, new: int, kind: str, wanted: int
) -> None:
    """Which may want the same number, that of before, or a third one."""
    counted = Faults()
    cut(Stage(world, old, new), counted)
    assert counted.calls.count("dynamodb.PutItem") == (2 if old > new else 3)
    for at, call in enumerate(counted.calls):
        stage = Stage(world, old, new)
        cut(stage, Faults(at, kind))
        stage.look()
        stage.run(wanted)
        assert stage.end(wanted) == [], f"{at} ({call})"


@pytest.mark.parametrize("other", [1, 4, 2])
@pytest.mark.parametrize(("old", "new"), [(4, 1), (1, 4)])
def test_two_operators_at_once_never_hide_or_double_anything(
    world: World, old: int, new: int, other: int
) -> None:
    """The second runs whole between two calls of the first, for every such place."""
    counted = Faults()
    cut(Stage(world, old, new), counted)
    for place in range(len(counted.calls)):
        stage = Stage(world, old, new)
        cut(stage, During(partial(stage.run, other), only=place))
        stage.pass_by(120)
        stage.look()
        assert stage.problems == [], place
        stage.run(other)
        assert stage.end(other) == [], place


def test_a_question_that_is_closed_between_the_look_at_it_and_its_move_is_moved_by_the_next_pass(
    world: World,
) -> None:
    counted = Faults()
    cut(Stage(world, 4, 1), counted)
    stage = Stage(world, 4, 1)

    def answered() -> None:
        stage.writers[0].ingest(response("open-1", sessionId=SESSIONS[1]))

    move = counted.calls.index("dynamodb.TransactWriteItems")
    with injected(During(answered, only=move)):
        stage.run()
    assert stage.world.correlations()["open-1"].closed
    assert stage.end(1) == []


def test_nothing_is_published_again(world: World) -> None:
    stage = Stage(world, 4, 1)
    world.relay()
    published, streamed = len(world.published()), world.streamed
    assert published > 0
    assert stage.run() > 0
    assert len(world.changes()) > streamed
    world.relay()
    assert len(world.published()) == published
