"""Redrive: dead letters back to where they came from, each once, and none lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Letter(Protocol):
    """A dead letter, as far as this use case knows it."""

    @property
    def message_id(self) -> str:
        """Its id, the same whenever it is read."""
        ...

    @property
    def sent_at(self) -> int:
        """When it came into the queue (milliseconds)."""
        ...


LetterT = TypeVar("LetterT", bound=Letter)


class DeadLetters(Protocol[LetterT]):
    """A queue of dead letters."""

    def letters(self) -> Iterator[LetterT]:
        """Those that nobody else looks at, hidden from others for a while."""
        ...

    def put_back(self, letter: LetterT) -> None:
        """Show it to others again."""
        ...

    def redrive(self, letter: LetterT) -> None:
        """Send it back, then delete it here."""
        ...


@dataclass(frozen=True, slots=True)
class Redriven(Generic[LetterT]):
    """What became of a letter: sent back, or left where it is."""

    letter: LetterT
    sent: bool


def redrive(
    queue: DeadLetters[LetterT], chosen: Callable[[LetterT], bool], *, started_at: int
) -> Iterator[Redriven[LetterT]]:
    """Send back the letters that `chosen` selects, each as soon as it is read.

    A letter that came after `started_at` (milliseconds) stays: the consumer has refused it again
    while this runs. A letter that is shown a second time is passed over.
    """
    left: dict[str, LetterT] = {}
    for letter in queue.letters():
        if letter.message_id in left:
            break  # the queue shows again what was left: it has no others
        if letter.sent_at < started_at and chosen(letter):
            queue.redrive(letter)
            yield Redriven(letter, sent=True)
        else:
            left[letter.message_id] = letter
            yield Redriven(letter, sent=False)
    for letter in left.values():
        queue.put_back(letter)
