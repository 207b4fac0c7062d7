"""docs/scale.md: what limits first, computed from the design: `python -m testing.scale --write`.

Constants are those of the templates and settings; what a record uses is counted (`testing.cost`);
quotas are AWS's defaults in the regions with the least (`testing.quotas` and here).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cdk_constructs.stack import REPOSITORY
from processor.settings import SETTINGS as PROCESSOR
from reporter.settings import SETTINGS as REPORTER
from reporter.stack import DAY_MEMORY_MB
from testing import cost
from testing.quotas import CONCURRENCY, PER_REGION
from testing.stacks import builders, template
from testing.template import of_type

PAGE: Final = REPOSITORY / "docs/scale.md"
RATES: Final = (1_000, 1_000_000, 100_000_000)
# The busiest second of a month has so many times the mean.
PEAK: Final = 10

PARTITION_WRITE_UNITS: Final = 1_000
GROUP_MESSAGES: Final = 300
FIFO_CALLS: Final = 2_400
PUT_EVENTS_CALLS: Final = 600
DEVELOPERS: Final = "docs.aws.amazon.com"
DYNAMODB: Final = f"{DEVELOPERS}/amazondynamodb: designing partition keys"
SQS: Final = f"{DEVELOPERS}/AWSSimpleQueueService: message quotas"
EVENTBRIDGE: Final = f"{DEVELOPERS}/eventbridge: quotas"
MEASURED: Final = "`make bench-reporter`: 100,000 facts in 400 MB and 5 s of a CPU"
SETTING: Final = "`batches_at_once`, and the calls that are counted"

# Of `make bench-reporter`: the limits that a day of 100,000 facts is held to.
FACTS_PER_MB: Final = 100_000 / 400
CPU_SECONDS_OF_A_FACT: Final = 5 / 100_000
# Of the 1,769 MB of a whole CPU; `reconcile` may run for 240 s (`WITHIN_MS`).
CPU_OF_RECONCILE: Final = 512 / 1_769
RECONCILE_SECONDS: Final = 240


@dataclass(frozen=True)
class Limit:
    """So many questions in the busiest second, or in a day, with what lifts it."""

    name: str
    most: float
    source: str
    lifted_by: str
    a_day: bool = False

    def holds_at(self, questions: float) -> bool:
        """Whether so many questions a month stay below it."""
        return self.most >= (
            questions / cost.DAYS if self.a_day else PEAK * questions / cost.SECONDS
        )

    @property
    def month(self) -> float:
        """Questions a month at which it is reached."""
        return self.most * cost.DAYS if self.a_day else self.most * cost.SECONDS / PEAK


def limits() -> Iterator[Limit]:
    """Of one owner with the settings of `prod`, in the order of the path."""
    processor, reporter = PROCESSOR["prod"], REPORTER["prod"]
    yield Limit(
        "one message group for all events", GROUP_MESSAGES / 2, SQS, "a group for each request id"
    )
    yield Limit("FIFO queue", FIFO_CALLS / 2, SQS, "batches of ten; a queue for each owner")
    yield Limit(
        "`ingest` at once",
        processor.batches_at_once * _questions_a_second("processor", "ingest"),
        SETTING,
        "`batches_at_once`, up to the account's 1,000 (10 in a new one)",
    )
    yield Limit(
        "day index of the Processor's table",
        processor.shards * PARTITION_WRITE_UNITS,
        DYNAMODB,
        "`shards`",
    )
    yield Limit(
        "`relay`, one at a time for a shard of the stream",
        _questions_a_second("processor", "relay"),
        "the calls that are counted",
        "`parallelization_factor`, up to ten",
    )
    yield Limit("PutEvents", PUT_EVENTS_CALLS, EVENTBRIDGE, "batches of ten, then a higher quota")
    yield Limit(
        "`project` at once",
        reporter.batches_at_once * _questions_a_second("reporter", "project"),
        SETTING,
        "`batches_at_once`",
    )
    yield Limit(
        "facts of a day",
        reporter.shards * PARTITION_WRITE_UNITS,
        DYNAMODB,
        "`shards`",
    )
    yield Limit(
        "memory of `summarise`",
        reporter.shards * DAY_MEMORY_MB * FACTS_PER_MB,
        MEASURED,
        "`shards`, or memory up to 10 GB",
        a_day=True,
    )
    yield Limit(
        "nightly comparison of nine days",
        RECONCILE_SECONDS * CPU_OF_RECONCILE / CPU_SECONDS_OF_A_FACT / cost.RECONCILED_NIGHTS,
        MEASURED,
        "fewer days, or more memory; what is not compared is said",
        a_day=True,
    )


def _questions_a_second(service: str, function: str) -> float:
    """Questions that one running function handles, in batches of ten."""
    used = cost.counted(service)["of_ten"][function]
    ms = used["invocations"] * cost.BASE_MS + sum(used["calls"].values()) * cost.CALL_MS
    # Writes of a batch are counted one after another, though they go out together.
    return 1_000 / float(ms)


def owners() -> Iterator[tuple[str, int, int]]:
    """Per type with a quota: how many an owner has, and how many owners an account holds."""
    kinds = Counter(
        resource["Type"]
        for name in builders()
        if not name.startswith("github")
        for resource in template(name, "prod")["Resources"].values()
    )
    found = [
        (kind, kinds[kind], most // kinds[kind]) for kind, most in PER_REGION.items() if kinds[kind]
    ]
    yield from sorted(found, key=lambda each: each[2])


def at_once() -> int:
    """How many functions the queues of an owner can run at the same time."""
    return sum(
        mapping["ScalingConfig"]["MaximumConcurrency"]
        for name in ("processor", "reporter")
        for _, mapping in of_type(template(name, "prod"), "AWS::Lambda::EventSourceMapping")
        if "ScalingConfig" in mapping
    )


def page() -> str:
    """docs/scale.md."""
    known = sorted(limits(), key=lambda limit: limit.month)
    lines = [
        "# What limits first",
        "",
        "`make cost` computes this page from the settings of `prod`, the counted calls and AWS's",
        "default quotas in the regions with the least (read 2025-11). A month's busiest second has",
        f"{PEAK} times the mean; a day has its share of the month.",
        "",
        "## One owner",
        "",
        "| limit | most | first reached at | "
        + " | ".join(f"{rate:,} a month" for rate in RATES)
        + " | lifted by | source |",
        "|---|---:|---:|" + "---|" * len(RATES) + "---|---|",
        *map(_row, known),
        "",
        f"So nothing is reached at {RATES[0]:,} or {RATES[1]:,} questions a month; the first is"
        f" {known[0].name},",
        f"at {_rounded(known[0].month)} a month.",
        "",
        "## Many owners",
        "",
        "Each owner has stacks of their own, so a host is limited by what an account may have in a",
        "region:",
        "",
        "| resource | of one owner | owners in an account |",
        "|---|---:|---:|",
        *(f"| {kind} | {number} | {most:,} |" for kind, number, most in owners()),
        "",
        "Beyond that, more accounts: a cell is an account with so many owners, and cells share",
        f"nothing. Lambda runs {CONCURRENCY:,} functions at once in an account, and an owner's",
        f"queues at most {at_once()}: {CONCURRENCY // at_once()} owners can use all of them in one",
        "second; a higher quota lifts it. Reports leave on Monday at seven, where the owner is:",
        "SES sends one mail a second in its sandbox, and outside at a rate of the account's own",
        "(docs.aws.amazon.com/ses: quotas), so many owners of a zone need schedules that differ.",
        "",
        *held_against_the_handlers(),
        "",
    ]
    return "\n".join(lines)


def held_against_the_handlers() -> Iterator[str]:
    """What whole days used of the Reporter's handlers, beside what is computed from small ones."""
    day, ten = (_counted(name) for name in ("day", "ten-days"))
    first, last = (ten[window]["read_units"] for window in ("first", "last"))
    report = cost.counted("reporter")["report"]["read_units"]
    yield "## Held against the handlers"
    yield ""
    yield f"A day of {day['facts'] * 2:,} facts through the real handlers, by"
    yield "`python -m benchmarks.reporter.day`: in the middle of the day, when"
    yield f"{day['together']} new facts come together, a fact reads"
    yield f"{day['used']['read_units']:.1f} units; computed from days of at most 1,000 facts it is"
    yield f"{_read_units(day['facts'] * 2):.1f}."
    yield ""
    yield f"{ten['days']} days of {ten['a_day']:,}, each question through `project`, by"
    yield "`python -m benchmarks.reporter.ten_days`:"
    yield ""
    yield "| read units | counted | computed |"
    yield "|---|---:|---:|"
    computed = _read_units(ten["a_day"])
    yield f"| a fact in the middle of the first day | {first:.1f} | {computed:.1f} |"
    yield f"| a fact in the middle of the last day | {last:.1f} | {computed:.1f} |"
    night, of_nights = ten["night"]["read_units"], cost.night_read_units() * ten["a_day"]
    yield f"| a nightly comparison of nine days | {night:,.0f} | {of_nights:,.0f} |"
    yield ""
    yield f"The report of such a week reads {ten['report']['read_units']:.1f} units, that of the"
    yield f"sample week {report:.1f}: a summary has a largest size."


def _counted(name: str) -> Any:
    return json.loads((cost.COUNTED / f"{name}.json").read_text("utf-8"))


def _read_units(a_day: int) -> float:
    """Of a new fact, on a day of so many."""
    return float(cost.summarise(a_day * cost.DAYS)["read_units"])


def _row(limit: Limit) -> str:
    unit = "a day" if limit.a_day else "a second"
    marks = " | ".join("holds" if limit.holds_at(rate) else "**exceeded**" for rate in RATES)
    return (
        f"| {limit.name} | {_rounded(limit.most)} {unit} | {_rounded(limit.month)} | {marks}"
        f" | {limit.lifted_by} | {limit.source} |"
    )


def _rounded(number: float) -> str:
    """To two digits."""
    return f"{float(f'{number:.2g}'):,.0f}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        sys.stdout.write(page())
