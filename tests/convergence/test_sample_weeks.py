"""The sample weeks through both services: three time zones, every order, the golden totals."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from tests.convergence.both import Both
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
def test_both_weeks_have_the_golden_totals(both: Both, zone: str, order: Order) -> None:
    both.reset(zone)
    both.incoming += order(EVENTS)
    both.drain()
    weeks = {week: both.reporter.ask("totals", week=week) for week in GOLDEN[zone]}
    assert weeks == GOLDEN[zone]


def test_what_never_reached_the_reporter_is_reconciled_to_the_golden_totals(both: Both) -> None:
    both.incoming += EVENTS
    while both.incoming:
        both.ingest()
    both.expire()
    while both.relay():
        pass
    both.facts_queue.clear()
    found = both.reconcile()
    assert found["problem"] is None
    assert found["healed"] == sum(week["questions"] for week in GOLDEN["Europe/London"].values())
    both.drain()
    for week, totals in GOLDEN["Europe/London"].items():
        assert both.reporter.ask("totals", week=week) == totals
