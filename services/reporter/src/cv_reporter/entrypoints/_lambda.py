"""What the handlers share: log lines without content, partial failures, a quick start."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]
BatchAnswer = dict[str, list[dict[str, str]]]

_LOOK_AFTER = 200_000
"""New objects until garbage is looked for. Reading a day's rows or a week's summaries makes several
10,000, all of which stay until they are no longer referred to: looking at each 700, as the default
is, takes a fifth of the CPU and finds nothing."""

_INTERESTING = ("STAGE", "SERVICE_VERSION")


def failures(identifiers: Iterable[str]) -> BatchAnswer:
    """The answer that makes AWS deliver exactly these again."""
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}


def log(message: str, **facts: object) -> None:
    """One JSON line. Facts are counts, ids of messages and names of errors: never content."""
    context = {name.lower(): os.environ[name] for name in _INTERESTING if name in os.environ}
    line = {"service": "reporter", "message": message, **context, **facts}
    sys.stdout.write(json.dumps(line, default=str) + "\n")


def metric(name: str, value: float, unit: str = "Count") -> None:
    """A CloudWatch metric as a log line (embedded metric format)."""
    definition = {
        "Namespace": "CvAnalytics",
        "Dimensions": [["Service"]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": _now_ms(), "CloudWatchMetrics": [definition]},
        "Service": "reporter",
        name: value,
    }
    sys.stdout.write(json.dumps(line) + "\n")


def _now_ms() -> int:
    from time import time_ns  # noqa: PLC0415

    return time_ns() // 1_000_000


def error_names(errors: Iterable[Exception]) -> dict[str, int]:
    """Which errors, how often; their messages stay out, for they may quote the input."""
    counts: dict[str, int] = {}
    for error in errors:
        counts[type(error).__name__] = counts.get(type(error).__name__, 0) + 1
    return counts


def warm(*builders: Callable[[], object]) -> None:
    """Build use cases in Lambda's init phase, and keep what is loaded out of collections."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for build in builders:
            build()
        gc.freeze()
        gc.set_threshold(_LOOK_AFTER, 10, 10)
        gc.enable()
