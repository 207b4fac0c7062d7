"""The sample weeks through both services: three time zones, every order, the golden totals."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from tests.convergence.house import House
from tools.paths import SAMPLE_DATA

EVENTS = (SAMPLE_DATA / "cv-chatbot-events.jsonl").read_text("utf-8").splitlines()
GOLDEN = json.loads((SAMPLE_DATA / "golden.json").read_text("utf-8"))["zones"]

Order = Callable[[list[str]], list[str]]


def in_order(events: list[str]) -> list[str]:
    return events


def shuffled(events: list[str]) -> list[str]:
    return random.Random(46).sample(events, len(events))


def doubled(events: list[str]) -> list[str]:
    return shuffled(events + events)


def answers_first(events: list[str]) -> list[str]:
    return sorted(events, key=lambda event: json.loads(event)["eventType"] == "query")


ORDERS: tuple[Order, ...] = (in_order, shuffled, doubled, answers_first)


@pytest.mark.parametrize("zone", sorted(GOLDEN))
@pytest.mark.parametrize("order", ORDERS)
def test_both_weeks_have_the_golden_totals(house: House, zone: str, order: Order) -> None:
    house.reset(zone)
    house.incoming += order(EVENTS)
    house.drain()
    weeks = {week: house.reporter.ask("totals", week=week) for week in GOLDEN[zone]}
    assert weeks == GOLDEN[zone]


def test_what_never_reached_the_reporter_is_reconciled_to_the_golden_totals(house: House) -> None:
    house.incoming += EVENTS
    while house.incoming:
        house.ingest()
    house.expire()
    while house.relay():
        pass
    house.facts_queue.clear()
    found = house.reconcile()
    assert found["problem"] is None
    assert found["healed"] == sum(week["questions"] for week in GOLDEN["Europe/London"].values())
    house.drain()
    for week, totals in GOLDEN["Europe/London"].items():
        assert house.reporter.ask("totals", week=week) == totals
