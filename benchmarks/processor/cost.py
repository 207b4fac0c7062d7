"""Dollars per million pairs, computed from counted calls: `python -m benchmarks.processor.cost`.

The Processor's calls are counted at its own clients on an in-process AWS (moto), its write units
from the table's change records; the naive design's calls at its clients on the stub. `--write`
puts the page to docs/cost.md; without it, the page is printed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field

from moto import mock_aws

from benchmarks.processor.stub import Stub, stubbed
from benchmarks.processor.workload import ENVIRONMENT, ROOT, batch, pairs
from cv_processor.adapters.aws import client
from cv_processor.entrypoints import expire, ingest, relay

# What counts is the world of the service's own tests, which are no package that is installed.
sys.path.insert(0, str(ROOT / "services/processor"))
from tests.component.world import World, create_resources, environment
from tests.faults.faults import Faults, injected
from tests.sizes import item_size, write_units

PAIRS = 100
PRICES_AS_OF = "2025-11-01"

# US dollars per million, us-east-1, on demand, without free tiers.
PRICES = {
    "write units": 0.625,
    "read units": 0.125,
    "SQS FIFO requests": 0.50,
    "SQS standard requests": 0.40,
    "events put": 1.00,
    "Lambda requests": 0.20,
}


@dataclass(frozen=True)
class Bill:
    """What a pair uses, by priced unit, and the calls that we make for it."""

    units: dict[str, float]
    calls: dict[str, float]
    ingest: dict[str, float] = field(default_factory=dict)
    """The calls of the way in alone."""
    largest_item: int = 0
    """Bytes of the largest pair in the table."""

    def dollars_per_million(self, *names: str) -> float:
        """Of these units, or of all."""
        return sum(self.units[name] * PRICES[name] for name in names or self.units)


def processor() -> Bill:
    """Counted: queries in batches of ten, then their responses, then deadlines, then the stream."""
    os.environ.update(ENVIRONMENT | environment() | {"SETTLE_SECONDS": "600"})
    logging.disable()  # standard output is the page
    with mock_aws():
        create_resources()
        world = World()
        world.ingest(json.dumps(pairs(1)[0][0]))
        world.clear()
        with injected(Faults()) as counted:
            made = pairs(PAIRS)
            for half in (0, 1):
                for start in range(0, PAIRS, 10):
                    world.ingest(*(pair[half] for pair in made[start : start + 10]))
            way_in = Counter(counted.calls)
            deadlines = [message.body for message in world.messages("DEADLINE")]
            for start in range(0, len(deadlines), 10):
                _expire(deadlines[start : start + 10])
            changes = world.changes()
            for start in range(0, len(changes), 10):
                _relay(changes[start : start + 10])
        calls = {name: number / PAIRS for name, number in Counter(counted.calls).items()}
        units = sum(map(write_units, changes)) / PAIRS
        largest = max(item_size(change["dynamodb"]["NewImage"]) for change in changes)
    return Bill(
        units={
            "write units": units,
            "read units": 1.0,  # `expire` looks once at each question, consistently: ≤ 4 KB
            # A send, a receive and a delete of each batch of ten on either queue.
            "SQS FIFO requests": 2 * 3 / 10,
            "SQS standard requests": calls["sqs.SendMessageBatch"] + 2 / 10,
            "events put": 1.0,
            # Batches of ten: two of ingest's, one of expire's, two of the stream's.
            "Lambda requests": 5 / 10,
        },
        calls=calls,
        ingest={name: number / PAIRS for name, number in way_in.items()},
        largest_item=largest,
    )


def writes_of_a_shared_batch() -> float:
    """Conditional writes a pair when both halves come in one batch of ten."""
    os.environ.update(ENVIRONMENT)
    event = {"Records": batch(pairs_in_batch=True)}
    logging.disable()
    with stubbed(Stub(), client("dynamodb")) as stub:
        ingest.handler(event, None)
    return (stub.counts["PutItem"] + stub.counts["UpdateItem"]) / 5


def _expire(bodies: list[str]) -> None:
    records = [{"messageId": str(at), "body": body} for at, body in enumerate(bodies)]
    expire.handler({"Records": records}, None)


def _relay(changes: list[dict[str, object]]) -> None:
    relay.handler({"Records": changes}, None)


def naive() -> Bill:
    """Counted: the handler of `naive.py`, a pair per invocation of two events."""
    from benchmarks.processor import naive as design  # noqa: PLC0415 - its clients want the settings

    clients = (design.dynamodb.meta.client, design.events)
    with warnings.catch_warnings(), stubbed(Stub(), *clients) as stub:
        warnings.simplefilter("ignore")
        design.handler({"Records": batch(pairs_in_batch=True)}, None)
    calls = {name: number / 5 for name, number in stub.counts.items()}
    writes = sum(calls[name] for name in ("PutItem", "UpdateItem", "DeleteItem") if name in calls)
    return Bill(
        units={
            # Every write touches an item of 1 KB; its final table has the same two indexes.
            "write units": writes + 2,
            "read units": calls.get("GetItem", 0.0) / 2,
            "SQS FIFO requests": 2 * 3.0,
            "SQS standard requests": 0.0,
            "events put": calls.get("PutEvents", 0.0),
            "Lambda requests": 2.0,
        },
        calls=calls,
    )


def page(ours: Bill, theirs: Bill) -> str:
    """docs/cost.md."""
    lines = [
        "# What a million questions cost",
        "",
        "Written by `python -m benchmarks.processor.cost --write`: calls are counted, not",
        f"estimated; prices are AWS's of {PRICES_AS_OF} (us-east-1, on demand, no free tier).",
        "A pair is a question and its answer, in separate batches of ten: the dearer usual case.",
        "",
        "| per pair | Processor | naive | $ per million units |",
        "|---|---:|---:|---:|",
    ]
    for name, price in PRICES.items():
        lines.append(
            f"| {name} | {ours.units[name]:.2f} | {theirs.units[name]:.2f} | {price:.3f} |"
        )
    table = ("write units", "read units", "events put")
    lines += [
        f"| **table and bus, $ per million pairs** | **{ours.dollars_per_million(*table):.2f}** "
        f"| **{theirs.dollars_per_million(*table):.2f}** | |",
        f"| **all of the above, $ per million pairs** | **{ours.dollars_per_million():.2f}** "
        f"| **{theirs.dollars_per_million():.2f}** | |",
        "",
        "The AWS calls that our own code makes for a pair:",
        "",
        "| call | Processor | naive |",
        "|---|---:|---:|",
    ]
    short = {name.rpartition(".")[2]: number for name, number in ours.calls.items()}
    for name in sorted(short | theirs.calls):
        lines.append(f"| {name} | {short.get(name, 0):.2f} | {theirs.calls.get(name, 0):.2f} |")
    lines += [
        f"| **together** | **{sum(short.values()):.2f}** | **{sum(theirs.calls.values()):.2f}** |",
        "",
        "Not in these tables, because they do not depend on the design: Lambda's duration, storage",
        "(about 1 KB a question), logs, the HTTP API. What does, and grows with what is kept",
        "rather than with what comes in: `gauge` reads the whole table once an hour, half a read",
        f"unit for four questions, which is ${_gauge_dollars():.2f} a month for every million",
        "questions kept. A container of `ingest` reads the list of erased sessions at most once a",
        "minute. The naive design (`benchmarks/processor/naive.py`) has an idempotency table",
        "and an interim table, and handles one event per invocation.",
        "",
    ]
    return "\n".join(lines)


def _gauge_dollars() -> float:
    """A month of hourly scans over a million questions of 1 KB, eventually consistent."""
    scans = 24 * 30
    return scans * (1_000_000 / 4 / 2) / 1_000_000 * PRICES["read units"]


if __name__ == "__main__":
    text = page(processor(), naive())
    if "--write" in sys.argv:
        (ROOT / "docs/cost.md").write_text(text)
    else:
        sys.stdout.write(text)
