"""`python -m tests.dashboard.scale 1000 1000000`: the board's time by questions in four weeks.

Each size gets its own table. The times are those of whole requests, of a warm process, in ms: with
every summary as before ("unchanged"), after one day's summary changed ("changed"), and in a process
that reads all of them for the first time ("afresh").
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from statistics import median
from time import process_time

from fastapi.testclient import TestClient

from cv_reporter import bootstrap
from cv_reporter.application.entry import signed_link
from cv_reporter.application.ports import Partition
from cv_reporter.domain.calendar import day_start_ms
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.policy import load_policy
from cv_reporter.domain.summary import Summary, summarise
from cv_reporter.entrypoints.api import create_app
from tests.dashboard.scenarios import NOW, Scenario, playing, sample_facts
from tests.integration.world import KEY

DAYS = 28
TODAY = date(2025, 11, 17)
ZONE = "Europe/London"
RUNS = 15


def day_facts(day: date, count: int, known: list[Fact]) -> Iterator[Fact]:
    """So many questions in working hours, two and a half a session."""
    chance = random.Random(day.toordinal())
    opens = day_start_ms(day, ZONE) + 8 * 3_600_000
    for number in range(count):
        yield replace(
            chance.choice(known),
            request_id=f"{day}-{number}",
            session_id=f"{day}-{int(number / 2.5)}",
            asked_at=opens + chance.randrange(10 * 3_600_000),
            total_ms=chance.randrange(400, 6_000),
        )


def summaries(questions: int) -> Iterator[tuple[date, Summary]]:
    """Four weeks of summaries, and the same again as the four weeks before."""
    known = sample_facts()
    for back in range(DAYS):
        day = TODAY - timedelta(days=back)
        facts = list(day_facts(day, questions // DAYS, known))
        summary = summarise(facts, day, ZONE, load_policy())
        yield day, summary
        before = day - timedelta(days=DAYS)
        visitors = replace(summary.visitors, days={before: summary.visitors.outcomes})
        yield before, replace(summary, visitors=visitors)


@contextmanager
def board_of(questions: int) -> Iterator[TestClient]:
    """A signed-in client of a dashboard with so many questions."""
    with playing(Scenario(list)):
        for day, summary in summaries(questions):
            bootstrap.summary_store().put(Partition(day, 0), summary, 0)
        client = TestClient(create_app(), base_url="https://cv.example")
        client.get(signed_link("https://cv.example", KEY, NOW))
        yield client


def cost(client: TestClient, *, changed: bool) -> float:
    """The CPU of a request in ms; the median of some."""
    store, at = bootstrap.summary_store(), Partition(TODAY, 0)
    summary = store.between(TODAY, TODAY)[at]
    times = []
    for _ in range(RUNS):
        if changed:
            assert store.put(at, summary, store.version(at))
        start = process_time()
        assert client.get("/dashboard").status_code == 200
        times.append((process_time() - start) * 1_000)
    return median(times[1:])


def cost_afresh(client: TestClient) -> float:
    """The CPU of a request, in ms, of a process that remembers nothing; the median of five."""
    times = []
    for _ in range(5):
        bootstrap.dashboard.cache_clear()
        start = process_time()
        assert client.get("/dashboard").status_code == 200
        times.append((process_time() - start) * 1_000)
    return median(times)


def measure(questions: int) -> dict[str, float]:
    """The figures of one size."""
    with board_of(questions) as client:
        page = client.get("/dashboard")
        return {
            "questions": questions,
            "bytes": len(page.content),
            "unchanged": round(cost(client, changed=False), 1),
            "changed": round(cost(client, changed=True), 1),
            "afresh": round(cost_afresh(client), 1),
        }


if __name__ == "__main__":
    rows = [measure(int(each)) for each in sys.argv[1:]]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    for name in ("unchanged", "changed", "afresh"):
        sys.stdout.write(f"{name}: ratio {rows[-1][name] / rows[0][name]:.2f}\n")
