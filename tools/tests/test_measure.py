"""Points as CloudWatch would have them, from log events and messages."""

from __future__ import annotations

import json
from typing import Any

from tools.observe.measure import (
    LogEvent,
    Point,
    Readers,
    Waiting,
    of_api,
    of_embedded,
    of_function,
    of_queues,
    point,
)

REPORT = "REPORT RequestId: r\tDuration: 12.5 ms\tBilled Duration: 13 ms"
RAISED = "Traceback (most recent call last):"


def event(message: str | dict[str, Any], at_ms: int = 1, stream: str = "s") -> LogEvent:
    return LogEvent(at_ms, stream, message if isinstance(message, str) else json.dumps(message))


def values(points: Any, name: str) -> list[float]:
    return [p.value for p in points if p.name == name]


def test_an_embedded_metric_is_a_point_for_each_value_and_each_set_of_dimensions() -> None:
    fields = {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "N",
                    "Dimensions": [["stage", "service"], []],
                    "Metrics": [{"Name": "A"}, {"Name": "B"}],
                }
            ]
        },
        "service": "processor",
        "stage": "local",
        "A": [1.0, 2.0],
        "B": 3,
    }
    both = (("service", "processor"), ("stage", "local"))
    assert list(of_embedded(event(fields, 7))) == [
        Point("N", "A", both, 7, 1.0),
        Point("N", "A", both, 7, 2.0),
        Point("N", "A", (), 7, 1.0),
        Point("N", "A", (), 7, 2.0),
        Point("N", "B", both, 7, 3),
        Point("N", "B", (), 7, 3),
    ]
    assert list(of_embedded(event("START"))) == list(of_embedded(event({"a": 1}))) == []


def test_an_invocation_is_counted_by_its_report_and_its_error_by_the_traceback() -> None:
    well = [event("START"), event({"failures": 1}), event(REPORT)]
    failed = [event(RAISED, stream="t"), event("ValueError", stream="t"), event(REPORT, stream="t")]
    points = list(of_function("f", [*well, *failed]))
    assert values(points, "Invocations") == [1, 1]
    assert values(points, "Errors") == [0, 1]
    assert values(points, "Duration") == [12.5, 12.5]
    assert {p.dimensions for p in points} == {(("FunctionName", "f"), ("Resource", "f:live"))}


def test_a_request_is_counted_by_its_status_and_a_crash_is_a_server_error() -> None:
    lines = [event({"status": s, "duration_ms": 5}) for s in (200, 404, 503)]
    points = list(of_api("a", [*lines, event(RAISED), event({"status": 200}), event("END")]))
    assert values(points, "Count") == [1, 1, 1]
    assert values(points, "4xx") == [0, 1, 0]
    assert values(points, "5xx") == [0, 0, 1, 1]
    assert values(points, "Latency") == [5, 5, 5]


def test_a_reader_is_as_late_as_its_oldest_failure_until_it_succeeds() -> None:
    lines = [event({"failures": n}, at) for n, at in ((0, 10), (2, 20), (1, 50), (0, 60), (1, 70))]
    readers = Readers()
    first, second = lines[:3], lines[3:]
    assert values(readers.of_reader("f", [event(REPORT), *first]), "IteratorAge") == [0, 0, 30]
    assert values(readers.of_reader("f", second), "IteratorAge") == [0, 0]


def test_a_queue_has_its_visible_messages_and_the_age_of_the_oldest() -> None:
    waiting = [Waiting(is_visible=True, sent_ms=9_000), Waiting(is_visible=False, sent_ms=4_000)]
    points = list(of_queues({"q": waiting, "empty": []}, 10_500))
    assert values(points, "ApproximateNumberOfMessagesVisible") == [1, 0]
    assert values(points, "ApproximateAgeOfOldestMessage") == [6, 0]
    assert points[0] == point(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "q"}, 10_500, 1
    )
