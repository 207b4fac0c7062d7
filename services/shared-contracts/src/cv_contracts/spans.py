"""Hops as OpenTelemetry spans, for who wants them in a tracing backend: extra `otel`.

A hop works on a batch that has many questions, and so many traces. It becomes one span for the
batch and one for each of its questions, in the question's own trace (`tracing`); they link to each
other, as OpenTelemetry asks of messages that are handled together
(https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/). A chatbot's own trace
context is linked to, never a parent: the chatbot's sampling must not decide ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from cv_contracts.tracing import span_id, trace_id

FLUSH_MILLIS = 2_000
MAX_SPANS = 100
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Spans:
    """Exports hops as spans of one service.

    An exporter that fails or hangs loses spans, never work: a flush waits two seconds at most.
    """

    def __init__(self, service: str, stage: str, version: str, exporter: SpanExporter) -> None:
        resource = Resource.create(
            {
                "service.name": service,
                "service.version": version,
                "deployment.environment.name": stage,
            }
        )
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("cv-analytics")
        self._service = service

    @classmethod
    def over_otlp(cls, service: str, stage: str, version: str) -> Self:
        """Spans for a collector, by OTLP over HTTP. Where it is, and its credentials, stand in the
        environment variables of OpenTelemetry: `OTEL_EXPORTER_OTLP_ENDPOINT` and others."""
        exporter = OTLPSpanExporter(timeout=FLUSH_MILLIS / 1_000)
        return cls(service, stage, version, exporter)

    def record(
        self,
        function: str,
        subjects: Sequence[str],
        *,
        began_ns: int,
        ended_ns: int,
        failures: int = 0,
        callers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Export what a function did with a batch or request, before its container is frozen.

        Times are in nanoseconds since 1970. `subjects` are ids of questions, of which at most 100
        become spans; `callers` maps some to the `traceparent` that the chatbot sent; `failures` is
        how many messages failed.
        """
        batch = self._tracer.start_span(f"{self._service} {function}", start_time=began_ns)
        batch.set_attribute("messaging.batch.message_count", len(subjects))
        if failures:
            batch.set_status(Status(StatusCode.ERROR, f"{failures} messages failed"))
        for subject in subjects[:MAX_SPANS]:
            span = self._tracer.start_span(
                f"{self._service} {function}",
                context=_trace_of(subject),
                links=[Link(batch.get_span_context()), *_links(callers.get(subject))],
                attributes={"cv_analytics.request_id": subject},
                start_time=began_ns,
            )
            batch.add_link(span.get_span_context())
            span.end(ended_ns)
        batch.end(ended_ns)
        self._provider.force_flush(FLUSH_MILLIS)


def _trace_of(subject: str) -> Context:
    root = _context(trace_id(subject), span_id("root", subject))
    return trace.set_span_in_context(NonRecordingSpan(root))


def _links(caller: str | None) -> Iterable[Link]:
    """A link to the chatbot's own span: version, trace, span, flags."""
    if caller:
        _, its_trace, its_span, _ = caller.split("-")
        yield Link(_context(its_trace, its_span))


def _context(its_trace: str, its_span: str) -> SpanContext:
    return SpanContext(int(its_trace, 16), int(its_span, 16), is_remote=True, trace_flags=_SAMPLED)
