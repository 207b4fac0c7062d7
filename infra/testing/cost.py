"""What the whole system costs in prod a month, by item. `cost_page` shows it.

Fixed items come from the synthesised templates; what a question uses is counted at the handlers'
clients (`benchmarks/counted`, written by `make count`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final

from cdk_constructs.stack import REPOSITORY
from cdk_constructs.stage import STAGES
from testing import prices
from testing.stacks import builders, template
from testing.template import Template, of_type

COUNTED: Final = REPOSITORY / "benchmarks/counted"

HOURS: Final = 730.0
DAYS: Final = HOURS / 24
WEEKS: Final = DAYS / 7
# Lambda polls an idle queue with five receivers that wait for twenty seconds each.
POLLS_A_MONTH: Final = 5 * 3 * 60 * HOURS
# A warm invocation: our own part, and each call to AWS (measured: 2 ms of CPU, 5 ms a call).
BASE_MS: Final = 5.0
CALL_MS: Final = 6.0
FACT_MS: Final = 0.05  # of a fact that `summarise` reads
MEMORY_GB: Final = 0.5
# Reconciliation reads the last nine days every night.
RECONCILED_NIGHTS: Final = 9
INDEX_ENTRY_BYTES: Final = 120
ITEM_OVERHEAD_BYTES: Final = 100
RETENTION_MONTHS: Final = 400 / DAYS


@dataclass(frozen=True)
class Item:
    """A line of the bill: the amount of units a month, its price, and which free tier it is of."""

    name: str
    owner: str
    amount: float
    price: float
    fixed: bool = False
    tier: str = ""

    @property
    def dollars(self) -> float:
        """A month at list price."""
        return self.amount * self.price


# ---- what a template costs by being there -------------------------------------------------------


def fixed(owner: str, of: Template) -> Iterator[Item]:
    """Alarms, secrets, dashboards, and the requests of pollers that find nothing."""
    alarms = sum(_metrics_of(p) for _, p in of_type(of, "AWS::CloudWatch::Alarm"))
    composite = len(list(of_type(of, "AWS::CloudWatch::CompositeAlarm")))
    dashboards = len(list(of_type(of, "AWS::CloudWatch::Dashboard")))
    secrets = len(list(of_type(of, "AWS::SecretsManager::Secret")))
    yield Item("alarms", owner, alarms, prices.ALARM_METRIC_MONTH, fixed=True, tier="alarms")
    yield Item("composite alarms", owner, composite, prices.COMPOSITE_ALARM_MONTH, fixed=True)
    yield Item(
        "dashboards", owner, dashboards, prices.DASHBOARD_MONTH, fixed=True, tier="dashboards"
    )
    yield Item("secrets", owner, secrets, prices.SECRET_MONTH, fixed=True)
    for fifo in (True, False):
        polled = sum(1 for queue in _polled(of) if bool(queue.get("FifoQueue")) is fifo)
        yield Item(
            f"idle polls{' of FIFO queues' if fifo else ''}",
            owner,
            polled * POLLS_A_MONTH,
            prices.SQS_FIFO_REQUEST if fifo else prices.SQS_REQUEST,
            fixed=True,
            tier="SQS requests",
        )


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    """An alarm on an expression is billed by the metrics in it."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", ())) or 1


def _polled(of: Template) -> Iterator[Mapping[str, Any]]:
    queues = dict(of_type(of, "AWS::SQS::Queue"))
    for _, mapping in of_type(of, "AWS::Lambda::EventSourceMapping"):
        source = mapping["EventSourceArn"].get("Fn::GetAtt", [""])[0]
        if source in queues:
            yield queues[source]


def window_seconds(of: Template) -> int:
    """How long the stream's longest window gathers changes."""
    mappings = of_type(of, "AWS::Lambda::EventSourceMapping")
    return max(int(p.get("MaximumBatchingWindowInSeconds", 0)) for _, p in mappings)


# ---- what a question costs ----------------------------------------------------------------------


@cache
def counted(service: str) -> Any:
    """The counts of a service."""
    return json.loads((COUNTED / f"{service}.json").read_text("utf-8"))


def processor(questions: float) -> Iterator[Item]:
    """All that the Processor uses for so many answered questions a month."""
    counts, owner = counted("processor"), "processor"
    yield from _functions(owner, counts["functions"].values(), questions)
    # A half is sent, received and deleted; so is the question's deadline.
    yield _sqs(owner, questions * 2 * 3, fifo=True)
    yield _sqs(owner, questions * 3)
    yield Item("events", owner, questions * counts["events"], prices.EVENT)
    kept = questions * counts["event_bytes"]
    months = STAGES["prod"].archive_days / DAYS
    price = prices.ARCHIVED_BYTE + months * prices.ARCHIVE_BYTE_MONTH
    yield Item("archive", owner, kept, price)
    yield from _storage(owner, questions, counts["item_bytes"], indexes=2)
    yield _metrics(owner, [f["metrics"] for f in counts["functions"].values()], questions)


def reporter(questions: float) -> Iterator[Item]:
    """All that the Reporter uses for so many questions a month, and for its schedules."""
    counts, owner = counted("reporter"), "reporter"
    folding = summarise(questions)
    functions = [*counts["functions"].values(), folding]
    yield from _functions(owner, functions, questions)
    yield _sqs(owner, questions * 3)
    yield from _storage(owner, questions, counts["item_bytes"], indexes=1)
    yield from _functions(owner, [counts["report"]], WEEKS)
    yield Item("mails", owner, WEEKS, prices.MAIL)
    read = (counts["item_bytes"] + INDEX_ENTRY_BYTES) / 4_096 * RECONCILED_NIGHTS
    yield Item("read units", owner, questions * read, prices.READ_UNIT)
    yield Item("Lambda requests", owner, DAYS, prices.LAMBDA_REQUEST, tier="Lambda requests")
    yield Item("API requests", owner, DAYS * RECONCILED_NIGHTS, prices.API_REQUEST)
    yield _metrics(owner, [f["metrics"] for f in functions], questions)


def summarise(questions: float) -> dict[str, Any]:
    """What `summarise` uses for a new fact, at a day's mean number of facts.

    Between what was counted it is interpolated; beyond, reads grow on and writes do not: a
    summary's size is bounded.
    """
    rows = [row for row in counted("reporter")["summarise"] if row["together"] == 1]
    facts = questions / DAYS / 2
    rate = questions / (HOURS * 3_600)
    together = 1 + rate * window_seconds(template("reporter", "prod"))
    used = {
        name: _interpolated([(row["facts"], row["used"][name]) for row in rows], facts, name)
        for name in ("read_units", "write_units")
    }
    one = rows[0]["used"]
    return {
        "invocations": 1 / together,
        "calls": {name: number / together for name, number in one["calls"].items()},
        "read_units": used["read_units"] / together,
        "write_units": used["write_units"] / together,
        "log_bytes": one["log_bytes"] / together,
        "metrics": one["metrics"],
        "facts": facts / together,
    }


def _interpolated(points: list[tuple[float, float]], at: float, name: str) -> float:
    *_, last = points
    if at > last[0] and name == "write_units":
        return last[1]
    spans = list(pairwise(points))
    (x0, y0), (x1, y1) = next((s for s in spans if at <= s[1][0]), spans[-1])
    return max(1.0, y0 + (y1 - y0) * (at - x0) / (x1 - x0))


def naive(questions: float) -> Iterator[Item]:
    """The usual design at the same rate: the same ways in, an item's storage twice."""
    counts, owner = counted("processor")["naive"], "naive"
    yield from _functions(owner, [counts], questions)
    yield _sqs(owner, questions * 2 * 3, fifo=True)
    yield Item("events", owner, questions * counts["calls"]["PutEvents"], prices.EVENT)
    yield from _storage(owner, questions, 2 * counted("processor")["item_bytes"], indexes=2)


def _functions(owner: str, used: Iterable[Mapping[str, Any]], times: float) -> Iterator[Item]:
    for one in used:
        calls = sum(one["calls"].values())
        ms = one["invocations"] * BASE_MS + calls * CALL_MS + one.get("facts", 0) * FACT_MS
        log = one["log_bytes"] * times
        months = STAGES["prod"].log_retention_days / DAYS
        yield Item("write units", owner, one["write_units"] * times, prices.WRITE_UNIT)
        yield Item("read units", owner, one["read_units"] * times, prices.READ_UNIT)
        yield Item(
            "Lambda requests",
            owner,
            one["invocations"] * times,
            prices.LAMBDA_REQUEST,
            tier="Lambda requests",
        )
        yield Item(
            "Lambda duration",
            owner,
            ms / 1_000 * MEMORY_GB * times,
            prices.LAMBDA_GB_SECOND,
            tier="Lambda GB-seconds",
        )
        yield Item("logs written", owner, log, prices.LOG_BYTE, tier="log bytes")
        yield Item("logs kept", owner, log * months, prices.LOG_BYTE_MONTH)


def _sqs(owner: str, requests: float, *, fifo: bool = False) -> Item:
    name = "SQS FIFO requests" if fifo else "SQS requests"
    price = prices.SQS_FIFO_REQUEST if fifo else prices.SQS_REQUEST
    return Item(name, owner, requests, price, tier="SQS requests")


def _storage(owner: str, questions: float, item_bytes: int, *, indexes: int) -> Iterator[Item]:
    """What the retention holds, once it is full, with point-in-time recovery."""
    one = item_bytes + ITEM_OVERHEAD_BYTES + indexes * (INDEX_ENTRY_BYTES + ITEM_OVERHEAD_BYTES)
    kept = questions * RETENTION_MONTHS * one
    yield Item("table", owner, kept, prices.TABLE_BYTE_MONTH, tier="table bytes")
    yield Item("backup", owner, kept, prices.BACKUP_BYTE_MONTH)


def _metrics(owner: str, names: Iterable[Iterable[str]], questions: float) -> Item:
    """A metric costs by the hours in which it has data."""
    busy = 1 - math.exp(-questions / HOURS)
    number = len({name for some in names for name in some})
    return Item("custom metrics", owner, number * busy, prices.METRIC_MONTH, tier="metrics")


# ---- the bill -----------------------------------------------------------------------------------


def bill(questions: float) -> list[Item]:
    """All items of prod at so many questions a month; equal ones of an owner are one."""
    items: list[Item] = []
    for name in builders():
        if not name.startswith("github"):
            items += fixed(name, template(name, "prod"))
    items += [*processor(questions), *reporter(questions)]
    merged: dict[tuple[str, str], Item] = {}
    for item in items:
        key = item.owner, item.name
        if key in merged:
            amount = merged[key].amount + item.amount
            item = Item(item.name, item.owner, amount, item.price, item.fixed, item.tier)
        merged[key] = item
    return [item for item in merged.values() if item.amount]


def total(items: Iterable[Item]) -> float:
    """Dollars a month at list price."""
    return sum(item.dollars for item in items)


def after_free_tiers(items: Iterable[Item]) -> float:
    """Dollars a month with what every account has free for ever."""
    left = dict(prices.FREE)
    dollars = 0.0
    for item in sorted(items, key=lambda item: -item.price):
        free = min(left.get(item.tier, 0.0), item.amount)
        if item.tier:
            left[item.tier] -= free
        dollars += (item.amount - free) * item.price
    return dollars
