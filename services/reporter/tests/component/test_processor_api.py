"""Asking the Processor over real HTTP, when it is well, ill, and hostile."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cv_contracts.digest import day_digest
from cv_contracts.errors import UnreachableError

from cv_reporter.adapters import aws, processor_api
from cv_reporter.adapters.processor_api import ProcessorApi
from cv_reporter.application.ports import Partition, ProcessorError, RemoteDay
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.calendar import Week, utc_day
from cv_reporter.domain.report import Comparison
from cv_reporter.entrypoints import reconcile, report
from cv_reporter.entrypoints.cli import main
from tests.component import world as worlds
from tests.component.world import World
from tests.sample import chatbot_events, correlations

DAY = date(2025, 11, 10)
DIGEST = {"day": "2025-11-10", "correlations": 4, "digest": "ab" * 32}
CANARY = "canary-7f3a"
TIMEOUT = 0.4
REPORT_SECONDS = 20
"""A third of the function's timeout, on a machine that is busy."""

Request = BaseHTTPRequestHandler
Answer = Callable[[Request], None]


def says(document: Any, status: int = 200, **headers: str) -> Answer:
    """An answer with a body; bytes as they are, anything else as JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()

    def answer(request: Request) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@dataclass
class Processor:
    """A server that answers as it is told, the last answer again and again."""

    address: str
    answers: list[Answer]
    over: Event = field(default_factory=Event)
    asked: list[Request] = field(default_factory=list)

    def serve(self, request: Request) -> None:
        self.asked.append(request)
        self.answers[min(len(self.asked), len(self.answers)) - 1](request)

    def hangs(self, _request: Request) -> None:
        """Takes the question and is silent."""
        self.over.wait(30)

    def drips(self, request: Request) -> None:
        """A byte now and then, each soon enough to keep a socket's timeout from firing."""
        request.send_response(200)
        request.send_header("content-length", "1000000")
        request.end_headers()
        while not self.over.wait(TIMEOUT / 8):
            request.wfile.write(b" ")
            request.wfile.flush()


@pytest.fixture
def processor() -> Iterator[Processor]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                playing.serve(self)
            except OSError:  # the client went away, as it should
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    playing = Processor(f"http://127.0.0.1:{server.server_port}/stage", [says(DIGEST)])
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield playing
    playing.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessorApi]:
    """The adapter as it is wired, with keys, a short patience, and the server's address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    monkeypatch.setattr(processor_api, "TIMEOUT_SECONDS", TIMEOUT)
    aws.session.cache_clear()
    made = ProcessorApi(lambda: processor.address, AudienceRules())
    yield made
    if made._client is not None:
        made._client.close()
    aws.session.cache_clear()


def test_a_day_is_asked_with_the_functions_signature(
    processor: Processor, api: ProcessorApi
) -> None:
    assert api.day(DAY) == RemoteDay(4, "ab" * 32)
    [asked] = processor.asked
    assert asked.path == "/stage/v1/days/2025-11-10"
    signature = asked.headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=key/")
    assert "/eu-west-2/execute-api/aws4_request" in signature


def test_a_days_questions_come_page_by_page(processor: Processor, api: ProcessorApi) -> None:
    first, second = correlations(chatbot_events())[:2]
    processor.answers = [
        says({"items": [first], "nextCursor": "c1"}),
        says({"items": [second | {"addedByANewerWriter": 1}]}),
    ]
    found = [fact.request_id for fact in api.facts(DAY)]
    assert found == [first["requestId"], second["requestId"]]
    assert "from=1762732800000&to=1762819200000" in processor.asked[0].path
    assert "cursor=c1" in processor.asked[1].path


@pytest.mark.parametrize("illness", ["hangs", "drips"])
def test_a_processor_that_does_not_finish_is_given_up_soon(
    processor: Processor, api: ProcessorApi, illness: str
) -> None:
    processor.answers = [getattr(processor, illness)]
    start = monotonic()
    with pytest.raises(ProcessorError):
        api.day(DAY)
    assert monotonic() - start < 2 * TIMEOUT + 2
    assert len(processor.asked) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_error_is_tried_once_more(
    processor: Processor, api: ProcessorApi, status: int
) -> None:
    processor.answers = [says({"title": "ill", "status": status}, status), says(DIGEST)]
    assert api.day(DAY).correlations == 4
    assert len(processor.asked) == 2


def test_a_refusal_is_not_repeated(processor: Processor, api: ProcessorApi) -> None:
    processor.answers = [says({"message": "Forbidden"}, 403)]
    with pytest.raises(ProcessorError, match="403"):
        api.day(DAY)
    assert len(processor.asked) == 1


def test_retries_wait_a_random_time(
    processor: Processor, api: ProcessorApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clients that failed together come back apart."""
    waits: list[float] = []
    processor.answers = [says({}, 503), says(DIGEST)]
    api.day(DAY)
    assert api._client is not None
    caller = api._client._caller
    monkeypatch.setattr(caller, "_sleep", waits.append)
    for share in (0.0, 0.5, 0.999):
        monkeypatch.setattr(caller, "_random", lambda share=share: share)
        processor.asked.clear()
        api.day(DAY)
    assert waits == pytest.approx([0.0, 0.1, 0.2], abs=0.001)


def test_a_processor_that_nobody_reaches_is_asked_again_after_a_random_time(
    api: ProcessorApi,
) -> None:
    """Of twenty functions that found nobody no two come back together, and none late."""
    waits: list[float] = []
    for _ in range(20):
        with processor_api.connect("http://127.0.0.1:9") as client:
            client._caller._sleep = waits.append
            with pytest.raises(UnreachableError):
                client.day(str(DAY))
    assert len(set(waits)) == 20
    assert 0 <= min(waits) <= max(waits) < 0.2


def test_after_five_failures_nobody_is_asked_for_a_while(
    processor: Processor, api: ProcessorApi
) -> None:
    processor.answers = [says({}, 500)]
    for _ in range(8):
        with pytest.raises(ProcessorError):
            api.day(DAY)
    assert len(processor.asked) == 5


def test_a_redirect_is_not_followed(processor: Processor, api: ProcessorApi) -> None:
    processor.answers = [says(b"", 307, location=processor.address + "/elsewhere"), says(DIGEST)]
    with pytest.raises(ProcessorError, match="redirect"):
        api.day(DAY)
    assert [asked.path for asked in processor.asked] == ["/stage/v1/days/2025-11-10"]


PADDED = json.dumps(DIGEST).encode() + b" " * 9_000_000
"""Sound, but for its size."""

HOSTILE: dict[str, Answer] = {
    "no JSON": says(f"<html>{CANARY}".encode()),
    "wrong types": says({"day": CANARY, "correlations": CANARY, "digest": 7}),
    "a list": says([CANARY]),
    "a negative count": says(DIGEST | {"correlations": -1}),
    "nested without end": says(b"[" * 200_000),
    "no UTF-8": says(b'{"day": "\xff\xfe"}'),
    "cut short": says(json.dumps(DIGEST).encode()[:-5]),
    "empty": says(b""),
    "more than it may": says(PADDED),
    "a compressed bomb": says(gzip.compress(PADDED), content_encoding="gzip"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_refused_and_not_quoted(
    processor: Processor, api: ProcessorApi, name: str
) -> None:
    processor.answers = [HOSTILE[name]]
    with pytest.raises(ProcessorError) as refusal:
        api.day(DAY)
    assert CANARY not in str(refusal.value)
    assert len(str(refusal.value)) < 1_000


@pytest.mark.parametrize("body", [json.dumps(DIGEST).encode(), PADDED])
def test_a_compressed_answer_is_refused_whatever_is_in_it(
    processor: Processor, api: ProcessorApi, body: bytes
) -> None:
    """Also one that is sound and small: nothing that was not asked for is inflated."""
    processor.answers = [says(gzip.compress(body), content_encoding="gzip")]
    with pytest.raises(ProcessorError, match="a compressed answer, which was not asked for"):
        api.day(DAY)
    assert [asked.headers["accept-encoding"] for asked in processor.asked] == ["identity"]


def test_an_answer_of_more_than_eight_megabytes_is_refused_for_its_size(
    processor: Processor, api: ProcessorApi
) -> None:
    processor.answers = [says(PADDED)]
    with pytest.raises(ProcessorError, match="an answer of more than 8388608 bytes"):
        api.day(DAY)


def test_questions_that_break_the_contract_are_refused(
    processor: Processor, api: ProcessorApi
) -> None:
    [good] = correlations(chatbot_events())[:1]
    for bad in ({"matchScore": 101}, {"askedAt": 5}, {"question": CANARY * 1_000}):
        processor.answers = [says({"items": [good | bad]})]
        with pytest.raises(ProcessorError) as refusal:
            list(api.facts(DAY))
        assert CANARY not in str(refusal.value)


def test_a_cursor_that_never_ends_is_refused(processor: Processor, api: ProcessorApi) -> None:
    processor.answers = [says({"items": [], "nextCursor": "again"})]
    with pytest.raises(ProcessorError, match="cursor"):
        list(api.facts(DAY))


def test_nobody_at_the_address_is_an_error_like_any_other(api: ProcessorApi) -> None:
    api.address = lambda: "http://127.0.0.1:9"
    with pytest.raises(ProcessorError):
        api.day(DAY)


def test_an_address_that_is_not_known_yet_is_an_error_like_any_other(api: ProcessorApi) -> None:
    def unknown() -> str:
        raise LookupError("ParameterNotFound")

    api.address = unknown
    with pytest.raises(ProcessorError, match="LookupError"):
        api.day(DAY)


@pytest.fixture
def linked(busy: World, processor: Processor, monkeypatch: pytest.MonkeyPatch) -> World:
    """A Reporter with the sample, linked to the Processor, on Monday at half past six."""
    locate(processor.address)
    monkeypatch.setenv("PROCESSOR_API_PARAMETER", "/test/processor/api-url")
    monkeypatch.setattr(processor_api, "TIMEOUT_SECONDS", TIMEOUT)
    monday = int(datetime(2025, 11, 17, 6, 30, tzinfo=UTC).timestamp() * 1_000)
    monkeypatch.setattr(Services, "now_ms", lambda _: monday)
    worlds.forget()
    return busy


def locate(address: str) -> None:
    """Publish the Processor's address."""
    aws.client("ssm").put_parameter(
        Name="/test/processor/api-url", Value=address, Type="String", Overwrite=True
    )


def fall_ill(processor: Processor, illness: str) -> None:
    """Let it hang, drip, or be gone."""
    if illness == "nobody":
        locate("http://127.0.0.1:9")
    else:
        processor.answers = [getattr(processor, illness)]


def knows_the_sample(request: Request) -> None:
    """What a Processor with all of the sample's questions answers."""
    known = list(correlations(chatbot_events()))
    path = urlsplit(request.path)
    if path.path.endswith("/correlations"):
        asked = {name: int(value) for name, [value] in parse_qs(path.query).items()}
        items = [each for each in known if asked["from"] <= each["askedAt"] < asked["to"]]
        says({"items": items})(request)
        return
    day = path.path.rpartition("/")[2]
    of_day = [each for each in known if str(utc_day(each["askedAt"])) == day]
    digest = day_digest((each["requestId"], each["revision"]) for each in of_day)
    says({"day": day, "correlations": len(of_day), "digest": digest})(request)


def test_monday_reports_what_the_night_compared_and_fetched(
    linked: World, processor: Processor
) -> None:
    processor.answers = [knows_the_sample]
    lost = services().fact_store.of(Partition(date(2025, 11, 12), 0))[0]
    services().fact_store.remove(lost.session_id, [services().placement.key(lost)])
    linked.pump()
    assert reconcile.handler({}, None) == {"compared": 9, "healed": 1, "problem": None}
    linked.pump()
    asked = len(processor.asked)
    assert report.handler({"week": "2025-W46"}, None)["sent"] == 1
    assert len(processor.asked) == asked, "the report itself asks nobody"
    [mail] = linked.sent_mail()
    assert "checked against the Processor" not in mail.body
    assert services().report_builder.last_comparison(Week(2025, 46)) == Comparison(7, 7, 1)


def test_a_preview_says_what_the_mail_will(
    linked: World, processor: Processor, capsys: pytest.CaptureFixture[str]
) -> None:
    processor.answers = [knows_the_sample]
    assert reconcile.handler({}, None)["compared"] == 9
    assert main(["preview", "--week", "2025-W46"]) == 0
    assert "checked against the Processor" not in capsys.readouterr().out


def test_a_report_of_another_week_takes_nothing_from_mondays(
    linked: World, processor: Processor
) -> None:
    processor.answers = [knows_the_sample]
    reconcile.handler({}, None)
    services().report_now(Week(2025, 40))
    report.handler({"week": "2025-W46"}, None)
    [mail] = linked.sent_mail()
    assert "checked against the Processor" not in mail.body
    assert services().report_builder.last_comparison(Week(2025, 46)) == Comparison(7, 7, 0)


@pytest.mark.parametrize("illness", ["hangs", "drips", "nobody"])
def test_an_ill_processor_holds_no_report_up_and_it_says_what_was_not_compared(
    linked: World, processor: Processor, illness: str
) -> None:
    fall_ill(processor, illness)
    assert reconcile.handler({}, None)["compared"] == 0
    assert report.handler({"week": "2025-W46"}, None)["sent"] == 1
    [mail] = linked.sent_mail()
    assert "Not checked against the Processor" in mail.body
    assert "the Processor did not answer" in mail.body


def test_a_night_without_a_comparison_is_said_on_monday(linked: World) -> None:
    assert report.handler({"week": "2025-W46"}, None)["sent"] == 1
    [mail] = linked.sent_mail()
    assert "These numbers were not checked against the Processor" in mail.body


@pytest.mark.parametrize("illness", ["hangs", "drips", "nobody"])
def test_a_report_on_demand_comes_in_time_and_says_what_was_not_compared(
    linked: World, processor: Processor, illness: str
) -> None:
    fall_ill(processor, illness)
    start = monotonic()
    services().publisher.send(services().report_now(Week(2025, 46)))
    assert monotonic() - start < REPORT_SECONDS
    [mail] = linked.sent_mail()
    assert "Not checked against the Processor" in mail.body
    assert "the Processor did not answer" in mail.body


def test_a_report_on_demand_is_compared_first_whatever_its_week(
    linked: World, processor: Processor
) -> None:
    processor.answers = [knows_the_sample]
    built = services().report_now(Week(2025, 45))
    assert built.comparison == Comparison(7, 7)
    assert len(processor.asked) == 7
