"""What the embedded AWS does not measure: metrics of functions, APIs and queues, and embedded ones.

Pure: from log events and messages to points of CloudWatch's metrics, as AWS would record them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tools.observe.evidence import fields_of

REPORT: Final = re.compile(r"REPORT RequestId: \S+\tDuration: ([\d.]+) ms")
RAISED: Final = "Traceback (most recent call last):"
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400


@dataclass(frozen=True)
class LogEvent:
    """An event of a function's log group; an invocation has a stream of its own there."""

    at_ms: int
    stream: str
    message: str


@dataclass(frozen=True)
class Point:
    """One value of a metric. `dimensions` are pairs of name and value, by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    at_ms: int
    value: float


def point(
    namespace: str, name: str, dimensions: Mapping[str, str], at_ms: int, value: float
) -> Point:
    """A point, whatever the order of its dimensions."""
    return Point(namespace, name, tuple(sorted(dimensions.items())), at_ms, value)


def of_embedded(event: LogEvent) -> Iterator[Point]:
    """The metrics of a line in the embedded metric format, in every set of dimensions."""
    fields = fields_of(event.message)
    for directive in fields.get("_aws", {}).get("CloudWatchMetrics", ()):
        for metric in directive["Metrics"]:
            values = fields[metric["Name"]]
            for names in directive["Dimensions"]:
                dimensions = {name: str(fields[name]) for name in names}
                for value in values if isinstance(values, list) else [values]:
                    yield point(
                        directive["Namespace"], metric["Name"], dimensions, event.at_ms, value
                    )


def of_function(function: str, events: Iterable[LogEvent]) -> Iterator[Point]:
    """`Invocations`, `Errors` and `Duration` of a function, behind its alias `live`."""
    dimensions = {"FunctionName": function, "Resource": f"{function}:live"}
    invocations: dict[str, list[LogEvent]] = defaultdict(list)
    for event in events:
        invocations[event.stream].append(event)
    for lines in invocations.values():
        raised = any(line.message.startswith(RAISED) for line in lines)
        for line in lines:
            if report := REPORT.match(line.message):
                for name, value in (
                    ("Invocations", 1.0),
                    ("Errors", float(raised)),
                    ("Duration", float(report[1])),
                ):
                    yield point("AWS/Lambda", name, dimensions, line.at_ms, value)


def of_api(api_id: str, events: Iterable[LogEvent]) -> Iterator[Point]:
    """`Count`, `4xx`, `5xx` and `Latency` of an API, by the request lines of its function."""
    dimensions = {"ApiId": api_id}
    for event in events:
        fields = fields_of(event.message)
        if "status" in fields and "duration_ms" in fields:
            status = int(fields["status"])
            for name, value in (
                ("Count", 1.0),
                ("4xx", float(CLIENT_ERROR <= status < SERVER_ERROR)),
                ("5xx", float(status >= SERVER_ERROR)),
                ("Latency", float(fields["duration_ms"])),
            ):
                yield point("AWS/ApiGateway", name, dimensions, event.at_ms, value)
        elif event.message.startswith(RAISED):
            yield point("AWS/ApiGateway", "5xx", dimensions, event.at_ms, 1.0)


@dataclass
class Readers:
    """The age of what the readers of a stream try again, by function.

    The embedded AWS does not say how old a stream's records are. A batch that fails comes again
    until it succeeds, so its age is at least the time since it failed first.
    """

    _failing_since: dict[str, int] = field(default_factory=dict)

    def of_reader(self, function: str, events: Iterable[LogEvent]) -> Iterator[Point]:
        """`IteratorAge` of each line that a reader of a stream wrote, in milliseconds."""
        dimensions = {"FunctionName": function, "Resource": f"{function}:live"}
        for event in events:
            fields = fields_of(event.message)
            if "failures" not in fields:
                continue
            age = 0
            if fields["failures"]:
                age = event.at_ms - self._failing_since.setdefault(function, event.at_ms)
            else:
                self._failing_since.pop(function, None)
            yield point("AWS/Lambda", "IteratorAge", dimensions, event.at_ms, float(age))


@dataclass(frozen=True)
class Waiting:
    """A message that is in a queue: whether it can be received now, and since when it is there."""

    is_visible: bool
    sent_ms: int


def of_queues(messages: Mapping[str, list[Waiting]], now_ms: int) -> Iterator[Point]:
    """Visible messages, and the age of the oldest in seconds, by the name of the queue."""
    for queue, waiting in messages.items():
        dimensions = {"QueueName": queue}
        oldest_ms = min((message.sent_ms for message in waiting), default=now_ms)
        for name, value in (
            ("ApproximateNumberOfMessagesVisible", sum(m.is_visible for m in waiting)),
            ("ApproximateAgeOfOldestMessage", max(0, now_ms - oldest_ms) // 1000),
        ):
            yield point("AWS/SQS", name, dimensions, now_ms, float(value))
