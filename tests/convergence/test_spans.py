"""The spans of one question, exported by both services' real handlers to one OTLP collector."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cv_contracts.tracing import trace_id

from tests.convergence.both import Both
from tests.convergence.channel import Side
from tests.convergence.conftest import HOME
from tests.convergence.test_sample_weeks import EVENTS


class Collector(ThreadingHTTPServer):
    """Keeps what is exported: one body a flush, OTLP in protobuf."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.bodies: list[bytes] = []


class Receiver(BaseHTTPRequestHandler):
    """Takes every export."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def hops_of(bodies: list[bytes], request_id: str) -> set[str]:
    """The hops that exported a span in the question's trace."""
    hops = (
        b"processor ingest",
        b"processor relay",
        b"reporter project",
        b"reporter summarise",
    )
    wanted = bytes.fromhex(trace_id(request_id))
    about = [body for body in bodies if wanted in body]
    return {hop.decode() for hop in hops if any(hop in body for body in about)}


def test_the_spans_of_a_question_from_both_services_are_one_trace() -> None:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        with (
            Side("processor", "processor_side.py", **address) as processor,
            Side("reporter", "reporter_side.py", **address) as reporter,
        ):
            both = Both(processor, reporter)
            both.reset(HOME)
            both.incoming += EVENTS[:8]
            both.drain()
        collector.shutdown()
    asked = {json.loads(event)["requestId"] for event in EVENTS[:8]}
    for request_id in asked:
        assert hops_of(collector.bodies, request_id) == {
            "processor ingest", "processor relay", "reporter project", "reporter summarise",
        }  # fmt: skip
    assert not [body for body in collector.bodies if b"Python" in body], "no text is exported"
