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
SECONDS: Final = HOURS * 3_600
# Lambda reads a queue with five receivers; each waits for a message, twenty seconds at most.
RECEIVERS: Final = 5
WAIT_SECONDS: Final = 20
POLLS_A_MONTH: Final = RECEIVERS * SECONDS / WAIT_SECONDS
# A warm invocation: our own part, and each call to AWS (measured: 2 ms of CPU, 5 ms a call).
BASE_MS: Final = 5.0
CALL_MS: Final = 6.0
FACT_MS: Final = 0.05  # of a fact that `summarise` reads
# Reconciliation reads the last nine days every night.
RECONCILED_NIGHTS: Final = 9
INDEX_ENTRY_BYTES: Final = 120
READ_UNIT_BYTES: Final = 4_096
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
    """Alarms, dashboards, and the requests of pollers that find nothing."""
    alarms = sum(_metrics_of(p) for _, p in of_type(of, "AWS::CloudWatch::Alarm"))
    composite = len(list(of_type(of, "AWS::CloudWatch::CompositeAlarm")))
    dashboards = len(list(of_type(of, "AWS::CloudWatch::Dashboard")))
    yield Item("alarms", owner, alarms, prices.ALARM_METRIC_MONTH, fixed=True, tier="alarms")
    yield Item("composite alarms", owner, composite, prices.COMPOSITE_ALARM_MONTH, fixed=True)
    yield Item(
        "dashboards", owner, dashboards, prices.DASHBOARD_MONTH, fixed=True, tier="dashboards"
    )
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


@cache
def _properties(owner: str, kind: str, function: str) -> Mapping[str, Any]:
    """Of a function's one resource of that kind; its logical id begins with the function's name."""
    of, name = template(owner, "prod"), function.capitalize()
    return next((p for logical_id, p in of_type(of, kind) if logical_id.startswith(name)), {})


def together(owner: str, function: str, questions: float) -> float:
    """How many records a batch has on average: those that come while its window is open."""
    mapping = _properties(owner, "AWS::Lambda::EventSourceMapping", function)
    window = float(mapping.get("MaximumBatchingWindowInSeconds", 0))
    return min(1 + questions / SECONDS * window, float(mapping.get("BatchSize", 1)))


def _memory_gb(owner: str, function: str) -> float:
    return float(_properties(owner, "AWS::Lambda::Function", function)["MemorySize"]) / 1_024


# ---- what a question costs ----------------------------------------------------------------------


@cache
def counted(service: str) -> Any:
    """The counts of a service."""
    return json.loads((COUNTED / f"{service}.json").read_text("utf-8"))


def processor(questions: float) -> Iterator[Item]:
    """All that the Processor uses for so many answered questions a month."""
    counts, owner = counted("processor"), "processor"
    yield from _counted(owner, questions)
    # Two halves, each in a batch of its own, and the question's deadline.
    yield _sqs(owner, questions * 2, 1, fifo=True)
    yield _sqs(owner, questions, together(owner, "expire", questions))
    yield Item("events", owner, questions * counts["events"], prices.EVENT)
    yield from _storage(owner, questions, counts["item_bytes"], indexes=2)
    yield _metrics(owner, [f["metrics"] for f in counts["functions"].values()], questions)


def reporter(questions: float) -> Iterator[Item]:
    """All that the Reporter uses for so many questions a month, and for its schedules."""
    counts, owner = counted("reporter"), "reporter"
    folding = summarise(questions)
    yield from _counted(owner, questions)
    yield from _function(owner, folding, questions, _memory_gb(owner, "summarise"))
    yield _sqs(owner, questions, together(owner, "project", questions))
    yield from _storage(owner, questions, counts["item_bytes"], indexes=1)
    yield from _function(owner, counts["report"], WEEKS, _memory_gb(owner, "report"))
    yield Item("mails", owner, WEEKS, prices.MAIL)
    index = INDEX_ENTRY_BYTES / READ_UNIT_BYTES * RECONCILED_NIGHTS
    yield Item("read units", owner, questions * (night_read_units() + index), prices.READ_UNIT)
    yield Item("Lambda requests", owner, DAYS, prices.LAMBDA_REQUEST, tier="Lambda requests")
    yield Item("API requests", owner, DAYS * RECONCILED_NIGHTS, prices.API_REQUEST)
    functions = [*counts["functions"].values(), folding]
    yield _metrics(owner, [f["metrics"] for f in functions], questions)


def night_read_units() -> float:
    """What the Reporter's nights read of a question until it is not compared any more."""
    return float(counted("reporter")["item_bytes"] / READ_UNIT_BYTES * RECONCILED_NIGHTS)


def summarise(questions: float) -> dict[str, Any]:
    """What `summarise` uses for a new fact, at a day's mean number of facts and the batches' size.

    Between what was counted it is interpolated; beyond, reads grow on and writes do not: a
    summary's size is bounded.
    """
    rows = counted("reporter")["summarise"]
    facts, batch = questions / DAYS / 2, together("reporter", "summarise", questions)
    alone, of_ten = ([r for r in rows if r["together"] == size] for size in (1, 10))
    one, tenth = dict(alone[0]["used"]), dict(of_ten[0]["used"])
    for name in ("read_units", "write_units"):
        # What is the fact's own does not depend on the day.
        own = (10 * tenth[name] - one[name]) / 9
        points = [(row["facts"], row["used"][name]) for row in alone]
        one[name] = _interpolated(points, facts, name)
        tenth[name] = own + (one[name] - own) / 10
    return {**in_batches(one, tenth, batch), "facts": facts / batch}


def in_batches(alone: Mapping[str, Any], of_ten: Mapping[str, Any], batch: float) -> dict[str, Any]:
    """What a record uses in a batch of that size, from what it uses alone and in one of ten.

    A batch has its own part and each record its own, so a record uses `own + batch's / size`.
    """

    def at(one: float, tenth: float) -> float:
        batches = (one - tenth) * 10 / 9
        return max(0.0, one - batches + batches / batch)

    numbers = ("invocations", "read_units", "write_units", "log_bytes")
    calls = {name: at(one, of_ten["calls"].get(name, 0)) for name, one in alone["calls"].items()}
    return {
        **{name: at(alone[name], of_ten[name]) for name in numbers},
        "calls": calls,
        "metrics": alone["metrics"],
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
    yield from _function(owner, counts, questions, _memory_gb("processor", "ingest"))
    yield _sqs(owner, questions * 2, 1, fifo=True)
    yield Item("events", owner, questions * counts["calls"]["PutEvents"], prices.EVENT)
    yield from _storage(owner, questions, 2 * counted("processor")["item_bytes"], indexes=2)


def _counted(owner: str, questions: float) -> Iterator[Item]:
    """What the functions use that were counted for batches of one and of ten."""
    counts = counted(owner)
    for name, alone in counts["functions"].items():
        used = in_batches(alone, counts["of_ten"][name], together(owner, name, questions))
        yield from _function(owner, used, questions, _memory_gb(owner, name))


def _function(
    owner: str, used: Mapping[str, Any], times: float, memory_gb: float
) -> Iterator[Item]:
    calls = sum(used["calls"].values())
    ms = used["invocations"] * BASE_MS + calls * CALL_MS + used.get("facts", 0) * FACT_MS
    log = used["log_bytes"] * times
    months = STAGES["prod"].log_retention_days / DAYS
    yield Item("write units", owner, used["write_units"] * times, prices.WRITE_UNIT)
    yield Item("read units", owner, used["read_units"] * times, prices.READ_UNIT)
    yield Item(
        "Lambda requests",
        owner,
        used["invocations"] * times,
        prices.LAMBDA_REQUEST,
        tier="Lambda requests",
    )
    yield Item(
        "Lambda duration",
        owner,
        ms / 1_000 * memory_gb * times,
        prices.LAMBDA_GB_SECOND,
        tier="Lambda GB-seconds",
    )
    yield Item("logs written", owner, log, prices.LOG_BYTE, tier="log bytes")
    yield Item("logs kept", owner, log * months, prices.LOG_BYTE_MONTH)


def _receives(messages: float) -> float:
    """Receive requests for so many messages a month, beyond those of an idle queue.

    A receiver's wait ends with a message or after twenty seconds: at a rate r of messages for each
    receiver it takes (1 - exp(-20 r)) / r seconds on average.
    """
    if not messages:
        return 0.0
    rate = messages / SECONDS / RECEIVERS
    return messages / -math.expm1(-WAIT_SECONDS * rate) - POLLS_A_MONTH


def _sqs(owner: str, messages: float, batch: float, *, fifo: bool = False) -> Item:
    """Messages sent one by one, received, and deleted in batches of at most ten."""
    requests = messages + _receives(messages) + messages / min(batch, 10)
    name = "SQS FIFO requests" if fifo else "SQS requests"
    price = prices.SQS_FIFO_REQUEST if fifo else prices.SQS_REQUEST
    return Item(name, owner, requests, price, tier="SQS requests")


def _storage(owner: str, questions: float, item_bytes: int, *, indexes: int) -> Iterator[Item]:
    """What the retention holds, once it is full, with point-in-time recovery."""
    one = item_bytes + ITEM_OVERHEAD_BYTES + indexes * (INDEX_ENTRY_BYTES + ITEM_OVERHEAD_BYTES)
    kept = questions * RETENTION_MONTHS * one
    yield Item("table", owner, kept, prices.TABLE_BYTE_MONTH, tier="table bytes")
    yield Item("backup", owner, kept, prices.BACKUP_BYTE_MONTH)


def whole_table(questions: float) -> float:
    """Dollars for one eventually consistent scan of the Processor's full table."""
    kept = float(questions * RETENTION_MONTHS * counted("processor")["item_bytes"])
    return kept / READ_UNIT_BYTES / 2 * prices.READ_UNIT


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
