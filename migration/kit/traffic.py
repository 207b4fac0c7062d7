"""Questions while the migration runs: a sender with a journal, and what must become of them.

The sender knows the queue and nothing else. What it sent is in the journal, so what the tables must
hold is a pure function of that file: today's `merge`.
"""

from __future__ import annotations

import heapq
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from cv_contracts.chatbot import read_chatbot_event_json
from cv_processor.application.wire.arrivals import arrival_of
from cv_processor.domain.correlation import Correlation, Half, merge_all

Event = dict[str, Any]
PREFIX: Final = "rehearsal-"
GRACE_SECONDS: Final = 5.0
LATE_SECONDS: Final = GRACE_SECONDS + 1.0
SETTLED_SECONDS: Final = LATE_SECONDS + 1.0
"""So long after its last event a question gets no other one, if a half of it is missing."""
WHOLE_SECONDS: Final = 1.5
"""So long after its last event a question of both halves gets no repeated one."""
SESSIONS: Final = 40
DAY_MS: Final = 86_400_000
DAYS: Final = 30
DAY_QUESTIONS: Final = 60
OLDEST_DAYS: Final = 52
"""The questions are dated on so many days, so many in a row on each, the first so long ago.

All days are before the sample weeks. The embedded AWS reads all queues and streams in one loop, in
which every batch of facts makes the summaries of its days anew: with some thousand questions on a
day, or a batch that is scattered over many, nothing else gets its turn.
"""
TEXTS: Final = (
    "Have you run Kubernetes in production?",
    "How many years of Python do you have?",
    "Do you know Terraform and CI/CD?",
    "Where are you based?",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """An event and when it goes out, in seconds after its question's turn."""

    delay: float
    event: Event


def planned(number: int, at_ms: int) -> list[Planned]:
    """The events of one question, always the same for a number.

    30 % answered first, 15 % late, 10 % never; of 10 % an event goes out twice.
    """
    chance = random.Random(number)
    draw, repeated = chance.random(), chance.random() < 0.1
    asked = Planned(0.3 if draw < 0.3 else 0.0, _question(number, at_ms))
    events = [asked]
    if draw < 0.9:
        delay = 0.0 if draw < 0.3 else LATE_SECONDS if draw < 0.45 else 1.5
        events.append(Planned(delay, _answer(number, at_ms, chance.randrange(101))))
    if repeated:
        events.append(Planned(events[-1].delay + 0.5, events[-1].event))
    return events


def _question(number: int, at_ms: int) -> Event:
    return {
        "eventType": "query",
        "requestId": f"{PREFIX}{number:06}",
        "timestamp": _dated(number, at_ms),
        "sessionId": f"s-rehearsal-{number % SESSIONS}",
        "query": TEXTS[number % len(TEXTS)],
    }


def _dated(number: int, at_ms: int) -> int:
    return at_ms - (OLDEST_DAYS - number // DAY_QUESTIONS % DAYS) * DAY_MS


def _answer(number: int, at_ms: int, score: int) -> Event:
    return {
        "eventType": "response",
        "requestId": f"{PREFIX}{number:06}",
        "timestamp": _dated(number, at_ms) + 1_700,
        "matchType": ("full", "partial", "none")[number % 3],
        "matchScore": score,
        "performance": {"totalTime": 1_700},
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: an event, and when it was sent (ms)."""

    at: int
    event: Event


@dataclass(frozen=True, slots=True)
class Journal:
    """What was sent, one JSON line an event, written before it is sent."""

    path: Path

    def add(self, entry: Entry) -> None:
        """Append a line; it is with the operating system before this returns."""
        with self.path.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"at": entry.at, "event": entry.event}) + "\n")

    def entries(self) -> list[Entry]:
        """All lines that are whole; the sender may be writing one."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]
        return [Entry(**json.loads(line)) for line in whole.splitlines()]


def expected(entries: Iterable[Entry]) -> dict[str, Correlation]:
    """The correlation of each question that was sent, but for deadlines. Pure."""
    halves: dict[str, list[Half]] = defaultdict(list)
    for entry in entries:
        arrival = arrival_of(read_chatbot_event_json(json.dumps(entry.event)))
        halves[arrival.request_id].append(arrival.half)
    return {id_: merge_all(Correlation(id_), found) for id_, found in halves.items()}


def settled(entries: Iterable[Entry], now_ms: int) -> set[str]:
    """The questions that get no further event."""
    last: dict[str, int] = {}
    halves: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        id_ = entry.event["requestId"]
        last[id_] = entry.at
        halves[id_].add(entry.event["eventType"])
    return {
        id_
        for id_, at in last.items()
        if now_ms - at > 1_000 * (WHOLE_SECONDS if len(halves[id_]) > 1 else SETTLED_SECONDS)
    }


@dataclass
class Sender:
    """Sends questions at a rate until `stopped` says so; each event until the queue takes it."""

    sqs: Any
    queue_url: str
    journal: Journal
    errors: Path
    per_second: float
    stopped: Callable[[], bool]
    now: Callable[[], float] = time.time
    _due: list[tuple[float, int, Event]] = field(default_factory=list)

    def run(self) -> None:
        """Ask and answer. One that was killed begins with its last event: it may not be out."""
        entries = self.journal.entries()
        for entry in entries[-1:]:
            self._send(entry.event)
        order, started = count(), self.now()
        for number, turn in self._turns(_next_number(entries), started):
            for one in planned(number, int(turn * 1_000)):
                heapq.heappush(self._due, (turn + one.delay, next(order), one.event))

    def _turns(self, first: int, started: float) -> Iterator[tuple[int, float]]:
        """The questions in time; between them goes out what is due."""
        for number in count(first):
            turn = started + (number - first) / self.per_second
            self._send_due()
            while not self.stopped() and self.now() < turn:
                time.sleep(0.01)
                self._send_due()
            if self.stopped():
                return
            yield number, turn

    def _send_due(self) -> None:
        while self._due and self._due[0][0] <= self.now():
            _, _, event = heapq.heappop(self._due)
            self.journal.add(Entry(int(self.now() * 1_000), event))
            self._send(event)

    def _send(self, event: Event) -> None:
        request = {
            "QueueUrl": self.queue_url,
            "MessageBody": json.dumps(event),
            "MessageGroupId": event["requestId"],
            # of the sending, not of the content: the queue must not swallow a repeated event
            "MessageDeduplicationId": f"{event['requestId']}-{self.now():.6f}",
        }
        while True:
            try:
                self.sqs.send_message(**request)
            except (BotoCoreError, ClientError) as error:
                with self.errors.open("a", encoding="utf-8") as out:
                    out.write(f"{type(error).__name__}\n")
                time.sleep(0.2)
            else:
                return


def _next_number(entries: Iterable[Entry]) -> int:
    numbers = (int(entry.event["requestId"].removeprefix(PREFIX)) for entry in entries)
    return max(numbers, default=-1) + 1


def of_traffic(found: Mapping[str, Correlation]) -> dict[str, Correlation]:
    """Those of the correlations that the sender asked for; the sample weeks are others."""
    return {id_: one for id_, one in found.items() if id_.startswith(PREFIX)}
