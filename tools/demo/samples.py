"""The sample questions: two weeks of a chatbot's events, moved to the weeks that were just over.

Pure: the current time comes in as a parameter, and shuffling always gives the same order.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

Event = dict[str, Any]

EVENTS_FILE = "cv-chatbot-events.jsonl"
GOLDEN_FILE = "golden.json"
LAST_WEEK = date.fromisocalendar(2025, 46, 1)
SEED = 46
REPEAT_EVERY = 10


@dataclass(frozen=True)
class Plan:
    """What the demonstration sends: each list in its order, repeats included."""

    first_week: str
    second_week: str
    by_queue: list[Event]
    by_api: list[Event]
    questions: int
    repeats: int
    overtaken: int
    """How many responses are sent before their query."""

    @property
    def weeks(self) -> tuple[str, str]:
        """Both ISO weeks, the earlier one first."""
        return self.first_week, self.second_week

    @property
    def sent(self) -> int:
        """All events, repeats included."""
        return len(self.by_queue) + len(self.by_api)


def load(folder: Path) -> list[Event]:
    """The events as recorded."""
    lines = (folder / EVENTS_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def golden(folder: Path, zone: str) -> dict[str, Event]:
    """The right totals by ISO week."""
    document: dict[str, Any] = json.loads((folder / GOLDEN_FILE).read_text(encoding="utf-8"))
    weeks: dict[str, Event] = document["zones"][zone]
    return weeks


def iso_week(day: date) -> str:
    """`2025-W46`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def plan(events: list[Event], now: datetime, zone: ZoneInfo) -> Plan:
    """Move, split by week, shuffle, and repeat every tenth event."""
    this_week = now.astimezone(zone).date()
    last_monday = this_week - timedelta(days=this_week.weekday() + 7)
    moved = move(events, (last_monday - LAST_WEEK).days // 7, zone)
    second = iso_week(last_monday)
    weeks = _weeks_of(moved, zone)
    early = _disturbed([event for event in moved if weeks[event["requestId"]] != second])
    late = _disturbed([event for event in moved if weeks[event["requestId"]] == second])
    return Plan(
        first_week=iso_week(last_monday - timedelta(days=7)),
        second_week=second,
        by_queue=early,
        by_api=late,
        questions=len(weeks),
        repeats=len(early) + len(late) - len(moved),
        overtaken=_overtaken(early) + _overtaken(late),
    )


def move(events: list[Event], weeks: int, zone: ZoneInfo) -> list[Event]:
    """Move events by whole weeks of the owner's wall clock, so that a question keeps its weekday
    and its hour across a change to or from summer time. A pair moves by the same amount.

    A moved question is another question: it gets an id of its own, the same at every run.
    """
    asked: dict[str, int] = {}
    for event in events:
        known = asked.get(event["requestId"], event["timestamp"])
        asked[event["requestId"]] = min(known, event["timestamp"])
    shift = {request: _moved(first, weeks, zone) - first for request, first in asked.items()}
    return [
        event
        | {
            "requestId": str(uuid.uuid5(uuid.UUID(event["requestId"]), f"{weeks} weeks")),
            "timestamp": event["timestamp"] + shift[event["requestId"]],
        }
        for event in events
    ]


def queue_deduplication_id(event: Event) -> str:
    """The id that the original chatbot gives its SQS messages."""
    return f"{event['requestId']}-{event['eventType']}-{event['timestamp']}"


def _moved(millis: int, weeks: int, zone: ZoneInfo) -> int:
    seconds, rest = divmod(millis, 1000)
    wall = datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(tzinfo=None)
    there = (wall + timedelta(weeks=weeks)).replace(tzinfo=zone)
    return int(there.timestamp()) * 1000 + rest


def _weeks_of(events: list[Event], zone: ZoneInfo) -> dict[str, str]:
    """The week of each question, by its query's time."""
    return {
        event["requestId"]: iso_week(
            datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone(zone).date()
        )
        for event in events
        if event["eventType"] == "query"
    }


def _disturbed(events: list[Event]) -> list[Event]:
    """Shuffled, with every tenth event once more at another place."""
    order = random.Random(SEED)
    disturbed = [*events, *events[::REPEAT_EVERY]]
    order.shuffle(disturbed)
    return disturbed


def _overtaken(events: list[Event]) -> int:
    """How many requests show their response before their query."""
    first: dict[str, str] = {}
    for event in events:
        first.setdefault(event["requestId"], event["eventType"])
    return sum(kind == "response" for kind in first.values())
