"""Erasing through the Processor's API: the typed client against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from cv_contracts.client import Backoff, ProcessorClient
from cv_contracts.sigv4 import SigV4Auth

from cv_reporter.adapters.dashboard_erasures import ProcessorErasures
from cv_reporter.application.dashboard_ports import Receipt
from cv_reporter.application.ports import OldProcessorError, ProcessorError

NOW = 1_763_370_000_000
PENDING = {"erasureId": "e-1", "requestedAt": NOW, "removed": []}
DONE = PENDING | {
    "removed": [{"service": "processor", "removed": 4}, {"service": "reporter", "removed": 3}]
}
SECRET = "<script>alert(1)</script>"


@dataclass
class Processor:
    """Answers every request alike, and remembers who asked for what."""

    status: int = 202
    body: bytes = b"{}"
    asked: list[tuple[str, str, bool]] = field(default_factory=list)


class Answering(BaseHTTPRequestHandler):
    """One request of a `Processor`, which `serving` names."""

    processor: ClassVar[Processor]

    def _answer(self) -> None:
        signed = "AWS4-HMAC-SHA256" in self.headers.get("authorization", "")
        self.processor.asked.append((self.command, self.path, signed))
        self.send_response(self.processor.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.processor.body)))
        self.end_headers()
        self.wfile.write(self.processor.body)

    do_GET = do_DELETE = _answer  # noqa: N815 (http.server's names)

    def log_message(self, *_: Any) -> None:
        """Nothing to standard error."""


@contextmanager
def serving(processor: Processor) -> Iterator[ProcessorErasures]:
    """Erasures that ask a server on this machine."""
    handler = type("Handler", (Answering,), {"processor": processor})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield erasures(f"http://127.0.0.1:{server.server_port}/stage")
        server.shutdown()


def erasures(address: str) -> ProcessorErasures:
    """As wired, but for the credentials and the patience."""

    class Credentials:
        access_key, secret_key, token = "a", "s", None

        def get_frozen_credentials(self) -> Credentials:
            return self

    def connect(base_url: str) -> ProcessorClient:
        auth = SigV4Auth(Credentials(), "eu-west-2")
        return ProcessorClient(base_url, auth, timeout=2, backoff=Backoff(attempts=1))

    return ProcessorErasures(lambda: address, connect)


def answer(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_request_names_the_session_in_a_signed_call_and_brings_the_receipt() -> None:
    processor = Processor(202, answer(PENDING))
    with serving(processor) as erased:
        assert erased.request("s:a/b c") == Receipt("e-1", NOW, ())
    assert processor.asked == [("DELETE", "/stage/v1/sessions/s%3Aa%2Fb%20c", True)]


def test_a_request_names_the_question_in_a_signed_call_and_brings_the_receipt() -> None:
    processor = Processor(202, answer(PENDING))
    with serving(processor) as erased:
        assert erased.request_question("q:a/b c") == Receipt("e-1", NOW, ())
    assert processor.asked == [("DELETE", "/stage/v1/correlations/q%3Aa%2Fb%20c", True)]


@pytest.mark.parametrize("status", [404, 405])
def test_a_processor_that_erases_no_single_question_is_named_as_too_old(status: int) -> None:
    with serving(Processor(status, answer({"title": SECRET}))) as erased:
        with pytest.raises(OldProcessorError, match=r"older than 1\.3\.0") as caught:
            erased.request_question("q-1")
        assert SECRET not in str(caught.value)


def test_a_receipt_fills_as_the_services_report() -> None:
    processor = Processor(200, answer(PENDING))
    with serving(processor) as erased:
        assert erased.receipt("e-1") == Receipt("e-1", NOW, ())
        processor.body = answer(DONE)
        both = (("processor", 4), ("reporter", 3))
        assert erased.receipt("e-1") == Receipt("e-1", NOW, both)
    assert processor.asked == [("GET", "/stage/v1/erasures/e-1", True)] * 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, SECRET.encode()),
        (403, answer({"title": SECRET})),
        (302, b""),
        (202, SECRET.encode()),
        (202, b"[]"),
        (202, answer({"erasureId": SECRET, "requestedAt": "soon"})),
        (202, answer(PENDING | {"erasureId": "x" * 65})),
        (202, answer(PENDING | {"removed": [{"service": SECRET, "removed": -1}]})),
        (202, b"[" * 100_000),
    ],
)
def test_an_answer_that_is_no_receipt_is_an_error_that_quotes_nothing(
    status: int, body: bytes
) -> None:
    with serving(Processor(status, body)) as erased:
        for call in (erased.request, erased.request_question, erased.receipt):
            with pytest.raises(ProcessorError) as caught:
                call("s-1")
            assert SECRET not in str(caught.value)
            assert "xxxx" not in str(caught.value)


def test_a_processor_that_is_down_is_told_as_such() -> None:
    with serving(Processor()) as erased:
        pass
    with pytest.raises(ProcessorError):
        erased.request("s-1")


def test_an_address_that_is_not_there_yet_is_told_as_such() -> None:
    def missing() -> str:
        raise LookupError("ParameterNotFound")

    with pytest.raises(ProcessorError, match="LookupError"):
        ProcessorErasures(missing).request("s-1")


def test_a_receipt_that_the_processor_does_not_know_is_none() -> None:
    with serving(Processor(404, answer({"title": SECRET}))) as erased:
        assert erased.receipt("e-unknown") is None
        with pytest.raises(ProcessorError):
            erased.request("s-1")
