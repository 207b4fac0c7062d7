"""A metric has exactly the dimensions that alarms and dashboards read, and a unit."""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from cv_contracts.spans import Spans
from cv_contracts.tracing import trace_id
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cv_reporter.entrypoints import observability
from cv_reporter.entrypoints.observability import (
    COLLECTOR,
    METRICS,
    NAMESPACE,
    SERVICE,
    log_line,
    spans_of_process,
)

STAGE = "test"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def logged(work: Callable[[], object]) -> dict[str, Any]:
    """The one line that the work logs."""
    [stream] = logging.getLogger(SERVICE).handlers
    assert isinstance(stream, logging.StreamHandler)
    written = io.StringIO()
    before = stream.setStream(written)
    work()
    stream.setStream(before)
    line: dict[str, Any] = json.loads(written.getvalue())
    return line


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_service_and_stage_as_its_only_dimensions(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Powertools warns when a default dimension changes within a process: the other tests' stage.
    monkeypatch.setenv("STAGE", STAGE)
    line = logged(lambda: log_line("any", None, metrics={name: 3}))
    [emitted] = line["_aws"]["CloudWatchMetrics"]
    assert emitted["Namespace"] == NAMESPACE
    assert sorted(emitted["Dimensions"][0]) == ["service", "stage"]
    assert (line["service"], line["stage"], line[name]) == (SERVICE, STAGE, [3.0])
    assert emitted["Metrics"] == [{"Name": name, "Unit": METRICS[name].value}]


def test_a_metric_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(KeyError, match="Unread"):
        log_line("any", None, metrics={"Unread": 1})


def test_a_line_says_how_long_the_work_took_and_who_called() -> None:
    began_ns = time.time_ns() - 42_000_000
    line = logged(
        lambda: log_line(
            "any", None, began_ns=began_ns, requests=["q1", "q1"], callers={"q1": CALLER}
        )
    )
    assert 42 <= line["duration_ms"] < 10_000
    assert (line["requests"], line["callers"]) == (["q1"], {"q1": CALLER})


def test_a_line_becomes_spans_where_there_is_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = InMemorySpanExporter()
    spans = Spans(SERVICE, STAGE, "1.0.0", collector)
    monkeypatch.setattr(observability, "spans_of_process", lambda: spans)
    log_line("any", None, requests=["q1"])
    assert not collector.get_finished_spans()
    monkeypatch.setenv(COLLECTOR, "http://127.0.0.1:1")
    log_line("any", None, began_ns=1_000, requests=["q1"], callers={"q1": CALLER})
    of_question, batch = collector.get_finished_spans()
    assert of_question.context.trace_id == int(trace_id("q1"), 16)
    assert [span.name for span in (of_question, batch)] == [f"{SERVICE} any"] * 2
    assert of_question.start_time == 1_000
    assert len(of_question.links) == 2


def test_a_collector_without_the_extra_is_an_error_in_the_log_and_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans_of_process.cache_clear()
    monkeypatch.setitem(sys.modules, "cv_contracts.spans", None)
    line = logged(spans_of_process)
    assert spans_of_process() is None
    assert line["level"] == "ERROR"
    assert "`otel` is not installed" in line["message"]
    spans_of_process.cache_clear()


def test_spans_go_to_the_collector_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    spans_of_process.cache_clear()
    monkeypatch.setenv(COLLECTOR, "http://127.0.0.1:1")
    assert isinstance(spans_of_process(), Spans)
    spans_of_process.cache_clear()
