"""What handlers use of AWS, counted: calls at the clients, capacity from items, log lines.

`benchmarks/<service>/usage.py` counts one service in that service's environment and writes
`benchmarks/counted/<service>.json`; `infra/testing/cost.py` prices it.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

COUNTED = Path(__file__).parent / "counted"
KIB = 1_024
READ_UNIT = 4 * KIB  # strongly consistent; an eventually consistent read is half
# Lambda's own START, END and REPORT of an invocation.
PLATFORM_LINES = 350


class CountError(RuntimeError):
    """What was to be counted did not happen as expected: the counts would be wrong."""


def expect(holds: bool, what: str) -> None:
    """Raise `CountError` unless it holds."""
    if not holds:
        raise CountError(f"not as expected: {what}")


Sizes = Callable[[Mapping[str, Any]], int]


@dataclass
class Used:
    """What one function used for a question; units are DynamoDB's."""

    invocations: float = 0.0
    calls: dict[str, float] = field(default_factory=dict)
    read_units: float = 0.0
    write_units: float = 0.0
    log_bytes: float = 0.0
    metrics: list[str] = field(default_factory=list)

    def per(self, number: int) -> Used:
        """The share of one question of so many."""
        return Used(
            invocations=self.invocations / number,
            calls={name: calls / number for name, calls in sorted(self.calls.items())},
            read_units=round(self.read_units / number, 4),
            write_units=round(self.write_units / number, 4),
            log_bytes=round(self.log_bytes / number),
            metrics=sorted(set(self.metrics)),
        )


@dataclass
class Meter:
    """Counts what handlers do while they are measured. `sizes` gives the bytes of an item."""

    sizes: Sizes
    calls: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0

    def before_parameter_build(
        self, params: Mapping[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        """Keep what is asked, for `after_call`."""
        context["asked"] = dict(params)

    def after_call(
        self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any
    ) -> None:
        """A read is billed by the items that it looks at."""
        self.calls[f"{model.service_model.service_name}.{model.name}"] += 1
        asked = context.get("asked", {})
        if model.name == "GetItem":
            self._read([parsed.get("Item", {})], consistent=bool(asked.get("ConsistentRead")))
        elif model.name in ("Query", "Scan"):
            consistent = bool(asked.get("ConsistentRead"))
            self._read_page(parsed.get("Items", ()), consistent=consistent)
        elif model.name == "BatchGetItem":
            for table, items in parsed.get("Responses", {}).items():
                keys = asked["RequestItems"][table]
                found = [*items, *[{}] * (len(keys["Keys"]) - len(items))]
                self._read(found, consistent=bool(keys.get("ConsistentRead")))

    def _read(self, items: Iterable[Mapping[str, Any]], *, consistent: bool) -> None:
        for item in items:
            self._read_page([item], consistent=consistent)

    def _read_page(self, items: Iterable[Mapping[str, Any]], *, consistent: bool) -> None:
        size = sum(map(self.sizes, items))
        units = max(1, -(-size // READ_UNIT))
        self.read_units += units if consistent else units / 2


@contextmanager
def metered(sizes: Sizes, clients: Iterable[Any], service: str) -> Iterator[Callable[[], Used]]:
    """Count at these clients and in the service's log; calling the result gives what was used."""
    meter, written = Meter(sizes), io.StringIO()
    clients = list(clients)
    stream = _stream(service)
    before = stream.setStream(written)
    hooks: dict[str, Callable[..., None]] = {
        "before-parameter-build": meter.before_parameter_build,
        "after-call": meter.after_call,
    }
    for client in clients:
        for name, hook in hooks.items():
            client.meta.events.register(name, hook)
    try:
        yield lambda: _used(meter, written.getvalue())
    finally:
        stream.setStream(before)
        for client in clients:
            for name, hook in hooks.items():
                client.meta.events.unregister(name, hook)


def silence(service: str) -> None:
    """Keep log lines of what is not measured off standard output, which is the document."""
    _stream(service).setStream(io.StringIO())


def _stream(service: str) -> logging.StreamHandler[Any]:
    [handler] = logging.getLogger(service).handlers
    if not isinstance(handler, logging.StreamHandler):
        raise CountError(f"the log of {service} is no stream")
    return handler


def _used(meter: Meter, log: str) -> Used:
    log = re.sub(r'"duration_ms":\d+', '"duration_ms":12', log)  # the same count each time
    lines = [json.loads(line) for line in log.splitlines()]
    names = {
        metric["Name"]
        for line in lines
        for metrics in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for metric in metrics["Metrics"]
    }
    return Used(
        invocations=len(lines),
        calls=dict(meter.calls),
        read_units=meter.read_units,
        log_bytes=len(log) + PLATFORM_LINES * len(lines),
        metrics=sorted(names),
    )


def document(**parts: Any) -> str:
    """The counts as they are kept: dataclasses become objects."""
    return json.dumps(parts, default=asdict, indent=1, sort_keys=True) + "\n"
