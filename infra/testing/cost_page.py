"""docs/cost.md and its plot: `python -m testing.cost_page --write`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cdk_constructs.stack import REPOSITORY
from testing import prices
from testing.cost import (
    BASE_MS,
    CALL_MS,
    FACT_MS,
    POLLS_A_MONTH,
    RECONCILED_NIGHTS,
    Item,
    after_free_tiers,
    bill,
    naive,
    processor,
    total,
    whole_table,
)

RATES: Final = (0, 1_000, 30_000, 1_000_000)
PAGE: Final = REPOSITORY / "docs/cost.md"
PLOT: Final = REPOSITORY / "docs/cost.svg"
HALF_A_CENT: Final = 0.005

# ---- the page -----------------------------------------------------------------------------------


def page() -> str:
    """docs/cost.md."""
    bills = {rate: bill(rate) for rate in RATES}
    heads = " | ".join(f"{rate:,}" for rate in RATES)
    together = [total(items) for items in bills.values()]
    lines = [
        "# What it costs",
        "",
        "Dollars a month for the whole system in `prod`, by questions a month, each with its",
        "answer and spread evenly. `make cost` writes this page: alarms and pollers are",
        "those of the templates; calls are counted at the handlers' clients, in batches of as many",
        "events as come at that rate within the windows of the templates (a FIFO queue has none).",
        f"List prices of {prices.PRICES_AS_OF} (us-east-1, `infra/testing/prices.py`). Tables are",
        "full: after 400 days.",
        "",
        "![dollars per question against questions a month](cost.svg)",
        "",
        f"| | {heads} |",
        "|---|" + "---:|" * len(RATES),
        _row("fixed", [total(i for i in items if i.fixed) for items in bills.values()]),
        _row("by use", [total(i for i in items if not i.fixed) for items in bills.values()]),
        _row("**together, list price**", together),
        _row("**after always-free tiers**", [after_free_tiers(i) for i in bills.values()]),
        "",
        "## By item",
        "",
        f"| item | {heads} |",
        "|---|" + "---:|" * len(RATES),
        *_by_item(bills),
        "",
        "## Beside the naive design",
        "",
        *_naive(),
        "",
        "The naive design is `benchmarks/processor/naive.py`, its calls counted in the same way.",
        "Logs, metrics and storage are left out on both sides.",
        "",
        "## How it is counted",
        "",
        "| assumption | value |",
        "|---|---|",
        f"| an idle queue | {POLLS_A_MONTH:,.0f} polls a month: five receivers wait 20 s each |",
        f"| a warm invocation | {BASE_MS:.0f} ms, and {CALL_MS:.0f} ms for each call to AWS |",
        f"| `summarise` | {FACT_MS} ms for each fact that it reads |",
        f"| reconciliation | reads {RECONCILED_NIGHTS} days every night, on both sides |",
        "| not in here | visits of the dashboard, erasures, taxes, CDK's bucket |",
        "",
        "Over the HTTP API in place of the queue, a question costs two API requests and two",
        f"invocations more: ${_over_http():.2f} a million, and some for their duration.",
        "",
        "One command reads a whole table, `make ops-processor ARGS=open`: the open questions. At",
        f"1,000,000 questions a month it costs ${whole_table(prices.MILLION):.2f}; an index of them"
        f" would cost ${2 * prices.MILLION * prices.WRITE_UNIT:.2f}",
        "a month.",
        "",
        "What limits first at which rate: [scale.md](scale.md).",
        "",
        "Free for ever in every account: "
        + ", ".join(f"{_short(amount)} {name}" for name, amount in prices.FREE.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, values: Iterable[float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:,.2f}" for value in values) + " |"


def _by_item(bills: Mapping[int, list[Item]]) -> Iterator[str]:
    names = dict.fromkeys((i.owner, i.name) for items in bills.values() for i in items)
    for owner, name in sorted(names):
        values = [
            total(i for i in items if (i.owner, i.name) == (owner, name))
            for items in bills.values()
        ]
        if max(values) >= 0.005:
            yield _row(f"{owner}: {name}", values)


def _naive() -> Iterator[str]:
    rates = [rate for rate in RATES if rate]
    heads = " | ".join(f"{rate:,}" for rate in rates)
    yield f"| dollars a million questions | {heads} |"
    yield "|---|" + "---:|" * len(rates)
    ours = [total(_calls(processor(rate))) / rate * 1e6 for rate in rates]
    theirs = [total(_calls(naive(rate))) / rate * 1e6 for rate in rates]
    yield _row("the Processor", ours)
    yield _row("of that, without Lambda's duration", [requests(rate) for rate in rates])
    yield _row("the naive design", theirs)
    yield _row("ratio", [a / b for a, b in zip(ours, theirs, strict=True)])


def requests(rate: float) -> float:
    """Dollars for the Processor's requests and units, a million questions at that rate."""
    billed = (item for item in _calls(processor(rate)) if item.name != "Lambda duration")
    return total(billed) / rate * prices.MILLION


def _over_http() -> float:
    return 2e6 * (prices.API_REQUEST + prices.LAMBDA_REQUEST)


def _calls(items: Iterable[Item]) -> Iterator[Item]:
    left_out = ("logs written", "logs kept", "custom metrics", "table", "backup")
    return (item for item in items if item.name not in left_out)


def _short(amount: float) -> str:
    if amount >= prices.GB:
        return f"{amount / prices.GB:g} GB of"
    return f"{amount:,.0f}"


# ---- the plot -----------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, BOTTOM = 680, 320, 80, 45


def plot() -> str:
    """docs/cost.svg: dollars per question, both axes logarithmic."""
    at = [10 ** (2 + step / 5) for step in range(21)]  # 100 to 1,000,000
    series = {
        "this system": ("#1f6f8b", [total(bill(q)) / q for q in at]),
        "its part that grows with use": (
            "#7a9e3a",
            [total(i for i in bill(q) if not i.fixed) / q for q in at],
        ),
        "naive Processor, its calls": ("#b3541e", [total(naive(q)) / q for q in at]),
    }
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        "<title>Dollars per question against questions a month</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for power in range(2, 7):
        x, y = _x(10**power), HEIGHT - BOTTOM
        lines.append(f'<path d="M{x:.0f} 20V{y}" stroke="#dddddd"/>')
        lines.append(_text(x, y + 18, "middle", f"{10**power:,}"))
    for power in range(-6, 0):
        y = round(_y(10.0**power))
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - 45}" stroke="#dddddd"/>')
        lines.append(_text(LEFT - 6, y + 4, "end", f"${10.0**power:.{-power}f}"))
    for number, (name, (colour, values)) in enumerate(series.items()):
        points = " ".join(f"{_x(q):.1f},{_y(v):.1f}" for q, v in zip(at, values, strict=True))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
            + _text(WIDTH - 55, 40 + 18 * number, "end", name, colour)
        )
    lines += [
        _text((LEFT + WIDTH) / 2, HEIGHT - 6, "middle", "questions a month"),
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _text(x: float, y: float, anchor: str, text: str, colour: str = "#333333") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def _x(questions: float) -> float:
    return LEFT + (math.log10(questions) - 2) / 4 * (WIDTH - LEFT - 45)


def _y(dollars: float) -> float:
    return 20 + (-1 - math.log10(dollars)) / 5 * (HEIGHT - BOTTOM - 20)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
        PLOT.write_text(plot(), "utf-8")
    else:
        sys.stdout.write(page())
