"""The invariants: what the journal says against what the tables hold. Pure but for `watch`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Final

from cv_processor.domain.correlation import Correlation

from migration.kit.traffic import Journal, expected, of_traffic, settled

PATIENCE_SECONDS: Final = 300.0
POLL_SECONDS: Final = 1.0
SHORT_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the questions; all but `compared` must be 0.

    `lost`: a half, or all, of a question is missing. `extra`: nobody asked it. `different`: a half
    or a conflict is not the one that was sent. `open`: asked, not answered, and not given up.
    """

    compared: int
    lost: int = 0
    extra: int = 0
    different: int = 0
    open: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, extra, different or open."""
        return not any(astuple(self)[1:])

    def __str__(self) -> str:
        wrong = f"lost {self.lost}, extra {self.extra}, different {self.different}"
        return f"{self.compared} questions: {wrong}, open {self.open}"


def account(
    wanted: Mapping[str, Correlation], found: Mapping[str, Correlation], known: set[str]
) -> Account:
    """Hold the questions of `wanted` against the rows; `known` are all that were ever sent."""
    pairs = [(one, found.get(id_, Correlation(id_))) for id_, one in wanted.items()]
    return Account(
        compared=len(wanted),
        lost=sum(_is_missing(one, row) for one, row in pairs),
        extra=len(found.keys() - known),
        different=sum(_differs(one, row) for one, row in pairs),
        open=sum(row.query is not None and not row.closed for _, row in pairs),
    )


def _is_missing(wanted: Correlation, row: Correlation) -> bool:
    return (wanted.query is not None and row.query is None) or (
        wanted.response is not None and row.response is None
    )


def _differs(wanted: Correlation, row: Correlation) -> bool:
    """The halves that are there, and the conflicts; when a deadline was first depends on time."""
    halves = ((wanted.query, row.query), (wanted.response, row.response))
    return wanted.parked != row.parked or any(
        there is not None and there != sent for sent, there in halves
    )


def now(
    journal: Journal, read: Callable[[], Mapping[str, Correlation]], since_seconds: float = 0.0
) -> Account:
    """The account of the questions that get no further event, while others are being asked.

    Of those that got none for `since_seconds`: what is asked once must give the functions time.
    """
    settled_ids = settled(journal.entries(), int((time.time() - since_seconds) * 1_000))
    found = of_traffic(read())
    wanted = expected(journal.entries())  # read after the rows: it knows whatever they hold
    chosen = {id_: one for id_, one in wanted.items() if id_ in settled_ids}
    return account(chosen, found, set(wanted))


def watch(
    journal: Journal,
    read: Callable[[], Mapping[str, Correlation]],
    until_ms: int,
    patience: float = PATIENCE_SECONDS,
) -> Account:
    """The same, when all that was asked until then is settled, and again until it holds.

    What a killed worker had comes back after its queue's visibility timeout. An account of no
    question at all says nothing, so the first settled one is waited for.
    """
    asked = {entry.event["requestId"] for entry in journal.entries() if entry.at <= until_ms}
    deadline = time.monotonic() + patience
    while not (asked and asked <= settled(journal.entries(), int(time.time() * 1_000))):
        if time.monotonic() > deadline:
            return now(journal, read)
        asked = asked or {entry.event["requestId"] for entry in journal.entries()}
        time.sleep(SHORT_SECONDS)
    while True:
        began = time.monotonic()
        found = now(journal, read)
        if (found.holds and found.compared) or time.monotonic() > deadline:
            return found
        pause(began)


def pause(began: float) -> None:
    """Wait before a check is made again: it reads whole tables, and others need them, too."""
    time.sleep(POLL_SECONDS + time.monotonic() - began)
