"""Re-project: every question to the shard that another number of shards gives it.

Nothing is hidden and nothing is seen twice meanwhile, wherever it is cut off:

1. Readers look at all shards, those of old and those of new (`Layout.announced`). All containers
   know that after `KNOWN_TO_ALL_SECONDS`.
2. Writers use the new number (`Layout.adopted`). After the same wait nobody writes by the old one.
3. Each question that stands elsewhere is moved, in one write, until a pass finds none.
4. Readers look at the new shards alone (`Layout.finished`).

Repeating the command goes on where another run ended, whatever number that one wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Protocol

from cv_processor.application.values import Move, PlacedQuestion
from cv_processor.domain.days import LAYOUT_SECONDS, Layout, asked_day

LONGEST_FUNCTION_SECONDS = 30
"""The longest time limit of a function that reads or writes the table (a test of `infra` holds it
against the stack)."""
KNOWN_TO_ALL_SECONDS = LAYOUT_SECONDS + LONGEST_FUNCTION_SECONDS
CHUNK = 50
"""Questions that are moved in one transaction, which takes a hundred writes at most."""


class ReprojectionStoppedError(Exception):
    """It could not be brought to its end. The message says why, and what to do."""


class Layouts(Protocol):
    """Where the layout is stored."""

    def stored(self) -> Layout | None:
        """The layout as it is stored now."""
        ...

    def put(self, layout: Layout) -> Layout | None:
        """Store a layout over the version that it was made of; `None` if another stands there."""
        ...


class Questions(Protocol):
    """All questions of the table."""

    def placed(self) -> Iterable[PlacedQuestion]:
        """Every question, closed or not, with its place in the day index."""
        ...

    def move(self, moves: Sequence[Move], shards: int) -> int | None:
        """Change their places, but of what is not as it was seen; returns how many.

        `None`, and nothing is changed, if the stored layout has another number of shards: another
        run may want another one by now.
        """
        ...


class Progress(NamedTuple):
    """How far it is. `wait`: seconds until all containers know the layout.

    In pass `number` so many questions were `seen`, and `misplaced` ones among them; `moved` is of
    all passes.
    """

    wait: int = 0
    number: int = 0
    seen: int = 0
    misplaced: int = 0
    moved: int = 0

    def behind(self, seen: int, misplaced: int, moved: int) -> Progress:
        """The progress after so many more questions."""
        return Progress(
            number=self.number,
            seen=self.seen + seen,
            misplaced=self.misplaced + misplaced,
            moved=self.moved + moved,
        )


@dataclass(frozen=True, slots=True)
class Reprojection:
    """The use case. `wait` sleeps for so many seconds."""

    layouts: Layouts
    questions: Questions
    wait: Callable[[int], None]

    def __call__(self, shards: int) -> Iterator[Progress]:
        """Lay the table out in so many shards. Raises `ReprojectionStoppedError`."""
        layout = self.layouts.stored() or Layout.of(shards)
        # Another run may have announced them just now: not every reader has to know.
        if layout.shards != shards and (layout.moving or layout.widest < shards):
            layout = self._put(layout.announced(shards), over=layout)
            yield from self._wait()
        layout = self._put(layout.adopted(shards), over=layout)
        yield from self._wait()
        yield from self._passes(shards)
        self._put(layout.finished(), over=layout)

    def _put(self, layout: Layout, *, over: Layout) -> Layout:
        """What stands there instead may be our own write whose answer was lost."""
        if over.version and layout == over:
            return over
        stands = self.layouts.put(layout) or self.layouts.stored()
        if stands != layout:
            raise _changed()
        return stands

    def _wait(self) -> Iterator[Progress]:
        for left in range(KNOWN_TO_ALL_SECONDS, 0, -1):
            yield Progress(wait=left)
            self.wait(1)

    def _passes(self, shards: int) -> Iterator[Progress]:
        """What changed under its move is misplaced still, or not: the next pass looks again."""
        last = yield from self._pass(Progress(number=1), shards)
        while last.misplaced:
            last = yield from self._pass(Progress(number=last.number + 1, moved=last.moved), shards)

    def _pass(self, progress: Progress, shards: int) -> Generator[Progress, None, Progress]:
        unreadable: list[str] = []
        for chunk in _chunks(self.questions.placed()):
            moves = _moves(chunk, shards)
            moved = self.questions.move(moves, shards)
            if moved is None:
                raise _changed()
            progress = progress.behind(len(chunk), len(moves), moved)
            unreadable += [question.request_id for question in chunk if question.query is None]
            yield progress
        if unreadable:
            raise _unreadable(unreadable)
        return progress


def _moves(questions: Iterable[PlacedQuestion], shards: int) -> Sequence[Move]:
    """The misplaced ones, each with its place."""
    moves = (Move(each, asked_day(each.query, shards)) for each in questions if each.query)
    return [move for move in moves if move.asked_day != move.question.asked_day]


def _chunks(questions: Iterable[PlacedQuestion]) -> Iterator[list[PlacedQuestion]]:
    iterator = iter(questions)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _changed() -> ReprojectionStoppedError:
    return ReprojectionStoppedError(
        "Another run changed the layout meanwhile. Nothing is hidden; repeat the command."
    )


def _unreadable(request_ids: Sequence[str]) -> ReprojectionStoppedError:
    return ReprojectionStoppedError(
        f"Questions that this version cannot read stay where they are: {len(request_ids)}, the "
        f"first is {request_ids[0]}. Nothing is hidden, for all shards are still looked at. "
        "Erase them or deploy a version that reads them, then repeat the command."
    )
