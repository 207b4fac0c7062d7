"""Trace identity, and hops as spans in a collector."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from cv_contracts.spans import MAX_SPANS, Spans
from cv_contracts.tracing import span_id, trace_context, trace_id

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BEGAN, ENDED = 1_762_161_120_000_000_000, 1_762_161_120_020_000_000


def exported(
    function: str, *subjects: str, service: str = "processor", **more: Any
) -> Sequence[ReadableSpan]:
    collector = InMemorySpanExporter()
    spans = Spans(service, "test", "1.0.0", collector)
    spans.record(function, subjects, began_ns=BEGAN, ended_ns=ENDED, **more)
    return collector.get_finished_spans()


def of_trace(spans: Sequence[ReadableSpan], subject: str) -> list[ReadableSpan]:
    wanted = int(trace_id(subject), 16)
    return [span for span in spans if span.context.trace_id == wanted]


def test_a_trace_context_is_a_w3c_traceparent() -> None:
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace_context("q1", span_id("a", "b")))
    assert trace_id("q1") != trace_id("q2")
    assert span_id("relay", "q1") != span_id("ingest", "q1")


def test_the_hops_of_a_question_in_two_services_are_one_trace() -> None:
    ingest = exported("ingest", "q1", "q2")
    project = exported("project", "q1", service="reporter")
    found = of_trace([*ingest, *project], "q1")
    assert [span.name for span in found] == ["processor ingest", "reporter project"]
    assert {span.resource.attributes["service.name"] for span in found} == {"processor", "reporter"}
    assert len({span.parent.span_id for span in found if span.parent}) == 1
    assert [(span.start_time, span.end_time) for span in found] == [(BEGAN, ENDED)] * 2


def test_a_batch_and_its_questions_link_to_each_other() -> None:
    spans = exported("ingest", "q1", "q2")
    (batch,) = [span for span in spans if span.parent is None]
    questions = [span for span in spans if span.parent]
    assert {link.context.span_id for link in batch.links} == {s.context.span_id for s in questions}
    for span in questions:
        assert [link.context.span_id for link in span.links] == [batch.context.span_id]


def test_a_chatbots_own_trace_is_a_link_and_no_parent() -> None:
    spans = exported("ingest", "q1", callers={"q1": CALLER})
    (span,) = of_trace(spans, "q1")
    assert f"{span.links[1].context.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{span.links[1].context.span_id:016x}" == CALLER.split("-")[2]


def test_failures_are_an_error_of_the_batch() -> None:
    (batch,) = exported("relay", failures=2)
    assert batch.status.status_code is StatusCode.ERROR
    assert batch.status.description == "2 messages failed"


def test_a_batch_exports_at_most_100_questions() -> None:
    assert len(exported("relay", *(f"q{n}" for n in range(150)))) == MAX_SPANS + 1


@pytest.mark.filterwarnings("ignore")
def test_an_exporter_that_fails_loses_spans_and_no_work() -> None:
    class Broken(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise OSError("no collector")

    spans = Spans("processor", "test", "1.0.0", Broken())
    spans.record("ingest", ["q1"], began_ns=BEGAN, ended_ns=ENDED)


def test_spans_are_exported_over_otlp(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        spans = Spans.over_otlp("processor", "test", "1.0.0")
        spans.record("ingest", ["q1"], began_ns=BEGAN, ended_ns=ENDED)
        server.shutdown()
    assert bytes.fromhex(trace_id("q1")) in bodies[0]
    assert b"processor ingest" in bodies[0]
