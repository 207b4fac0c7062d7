"""The path of one question: what became of it, and which hop is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tools.deploy.account import Account
from tools.observe import evidence
from tools.observe.evidence import EvidenceError, gather
from tools.observe.trace import (
    DeadLetter,
    Evidence,
    Line,
    decided,
    diagnose,
    erasure_id,
    event_id,
    page,
)
from tools.tests.answers import AnsweringSession

NOW = 1_764_320_000_000
MINUTE = 60_000
ANSWERED = {"requestId": "q-1", "revision": 2, "outcome": "full", "askedAt": NOW, "sessionId": "s"}
FACT = {"requestId": "q-1", "revision": 2}
RECEIPT = f"/v1/erasures/{erasure_id('q-1')}"


def line(function: str, minutes_ago: float = 60, **fields: Any) -> Line:
    service, name = function.split()
    return Line(int(NOW - minutes_ago * MINUTE), service, {"function": name, **fields})


INGESTED = line("processor ingest", EventsRecorded=[2.0])
RELAYED = line("processor relay", EventsPublished=[1.0])
PROJECTED = line("reporter project", FactsRecorded=[1.0])
ALL = (INGESTED, RELAYED, PROJECTED)
SUMMARISED = line("reporter summarise", days=1)
WHOLE = Evidence(ALL, (), ANSWERED, FACT, summarised=SUMMARISED)


@pytest.mark.parametrize(
    ("found", "state", "missing"),
    [
        (replace(WHOLE, summarised=None), "answered: full", "reporter summarise"),
        (
            Evidence((line("reporter project", 6.9),), (), ANSWERED, FACT),
            "answered: full",
            None,
        ),
        (WHOLE, "answered: full", None),
        (replace(WHOLE, fact=FACT | {"revision": 1}), "answered", "reporter api"),
        (Evidence((), (), ANSWERED, FACT), "answered: full", None),
        (
            replace(WHOLE, correlation=ANSWERED | {"outcome": "no_response"}),
            "expired: no",
            None,
        ),
        (replace(WHOLE, conflicts=1), "conflicting: 1 other", None),
        (Evidence(), "unknown", "processor ingest"),
        (Evidence((line("processor api"),)), "accepted", "processor ingest"),
        (Evidence((line("processor api", 1),)), "accepted", None),
        (Evidence((INGESTED,)), "open", "processor expire"),
        (Evidence((line("processor ingest", 16),)), "open", None),
        (Evidence((INGESTED,), (), ANSWERED), "answered", "processor relay"),
        (Evidence((line("processor ingest", 1),), (), ANSWERED), "answered", None),
        (Evidence((INGESTED, RELAYED), (), ANSWERED), "answered", "reporter project"),
        (Evidence(ALL, (), ANSWERED), "answered", "reporter api"),
        (Evidence(ALL), "erased: it was closed", None),
        (Evidence((INGESTED,), erased=True), "erased: somebody asked", None),
        (Evidence((line("processor ingest", of_erased_sessions=1),)), "erased: its session", None),
        (Evidence((), (DeadLetter("ingest-dlq.fifo", "no query"),)), "rejected: no query", None),
        (Evidence((), (DeadLetter("ingest-dlq.fifo", ""),)), "stuck in ingest-dlq.fifo", "ingest"),
        (Evidence(ALL, (DeadLetter("facts-dlq", ""),), ANSWERED), "stuck in facts-dlq", "facts"),
    ],
)
def test_a_question_is_named_by_what_became_of_it(
    found: Evidence, state: str, missing: str | None
) -> None:
    verdict = diagnose(found, NOW)
    assert state in verdict.state
    assert verdict.missing == missing


def test_the_page_is_a_line_a_hop_in_time_and_ends_in_the_missing_one() -> None:
    failing = line("processor ingest", 59, failed={"m": "TimeoutError at a.py:1"})
    again = line("processor ingest", 58, aws_request_id="r")
    letters = (DeadLetter("x-dlq", ""),)
    lines = (again, RELAYED, failing, replace(INGESTED, took_ms=12.4))
    found = Evidence(lines, letters, ANSWERED, None, summarised=SUMMARISED)
    shown = list(page("q-1", found, diagnose(found, NOW)))
    assert [row.split()[1:3] for row in shown[1:6]] == [
        ["processor", "relay"],
        ["processor", "ingest"],
        ["reporter", "summarise"],
        ["processor", "ingest"],
        ["processor", "ingest"],
    ]
    assert "12 ms  attempt 1  EventsRecorded 2" in shown[2]
    assert "attempt 1  days 1" in shown[3]
    assert "attempt 1  failed: TimeoutError at a.py:1" in shown[4]
    assert "attempt 2  nothing new  r" in shown[5]
    assert shown[-2:] == ["state     stuck in x-dlq", "missing   x"]


def test_the_events_of_all_revisions_are_named() -> None:
    shown = "".join(page("q-1", WHOLE, diagnose(WHOLE, NOW)))
    assert f"revision 2, events {event_id('q-1', 1)}, {event_id('q-1', 2)}" in shown


def test_a_line_without_a_decision_says_so() -> None:
    assert decided({"EventsPublished": [0.0]}) == "nothing new"
    assert decided({"EventsRecorded": [2.0], "status": 202}) == "EventsRecorded 2, status 202"


# ---- what is read -------------------------------------------------------------------------------

GROUP = "/aws/lambda/cv-analytics-dev-processor-ingest"
QUEUES = ["https://sqs/1/cv-analytics-dev-processor-ingest-dlq.fifo", "https://sqs/1/other"]
LOGGED = {"function": "ingest", "requests": ["q-1"], "EventsRecorded": [1.0]}


def account(messages: list[Any], monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Account:
    """An account with one log group, two queues, and APIs that answer from a table by path."""
    lines = [json.dumps(LOGGED), json.dumps({"requests": ["q-10"]}), "START q-1", "[1]", "{"]
    lines.append(json.dumps({"requests": ["q-1"], "method": "GET"}))
    events = [{"timestamp": NOW, "message": text} for text in lines]
    session = AnsweringSession(
        {
            "ssm.GetParameters": lambda asked: {
                "Parameters": [{"Value": f"https://{asked['Names'][0].split('/')[3]}.example"}]
            },
            "logs.DescribeLogGroups": {"logGroups": [{"logGroupName": GROUP}]},
            "logs.FilterLogEvents": {"events": events},
            "sqs.ListQueues": {"QueueUrls": QUEUES},
            "sqs.ReceiveMessage": {"Messages": messages},
        }
    )
    replies = {
        "/v1/correlations/q-1": ANSWERED,
        "/v1/correlations/q-1/conflicts": {"items": [{}]},
        "/v1/questions/q-1": FACT,
        RECEIPT: 404,
        **answers,
    }

    def reply(request: httpx.Request) -> httpx.Response:
        body = replies[request.url.path]
        if isinstance(body, int):
            return httpx.Response(body)
        if callable(body):
            body = body(request)
        return httpx.Response(200, json=body, headers={"traceresponse": "00-abc-def-01"})

    def http(_: Account, base_url: str = "", **__: Any) -> httpx.Client:
        return httpx.Client(base_url=base_url, transport=httpx.MockTransport(reply))

    monkeypatch.setattr(Account, "http", http)
    return Account("dev", session)


@pytest.fixture
def now() -> Iterator[datetime]:
    yield datetime.fromtimestamp(NOW / 1000, UTC)


def test_lines_letters_and_answers_about_the_question_alone_are_gathered(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = {
        "Body": json.dumps({"requestId": "q-1"}),
        "MessageAttributes": {"reason": {"StringValue": "no query", "DataType": "String"}},
    }
    other = {"Body": json.dumps({"requestId": "q-10"})}
    found = gather(account([letter, other], monkeypatch), "q-1", now)
    assert found == Evidence(
        (Line(NOW, "processor", LOGGED),),
        (DeadLetter("ingest-dlq.fifo", "no query"),),
        ANSWERED,
        FACT,
        1,
        "abc",
    )


def test_the_time_of_an_invocation_and_the_summary_after_it_are_read(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def events(asked: Mapping[str, Any]) -> dict[str, Any]:
        report = {"timestamp": NOW, "message": "REPORT RequestId: r-1\tDuration: 7.5 ms\tBilled"}
        if asked["filterPattern"] == '"REPORT"':
            return {"events": [report, {"timestamp": NOW, "message": "REPORTED"}]}
        fields: dict[str, Any] = {"function": "project", "requests": ["q-1"]}
        if asked["logGroupName"].endswith("summarise"):
            assert asked["filterPattern"] == '"q-1"' or asked["startTime"] == NOW
            none = {"function": "summarise", "days": 0}
            failed = {"function": "summarise", "days": 1, "failures": 1}
            texts = [none, failed, {"function": "summarise", "days": 2}, {"days": 3}]
        else:
            texts = [fields | {"aws_request_id": "r-1"}, fields | {"aws_request_id": "r-2"}]
        return {"events": [{"timestamp": NOW, "message": json.dumps(text)} for text in texts]}

    groups = [f"/aws/lambda/cv-analytics-dev-reporter-{name}" for name in ("project", "summarise")]
    here = account([], monkeypatch)
    session: Any = here.session
    session.answers["logs.DescribeLogGroups"] = {
        "logGroups": [{"logGroupName": name} for name in groups]
    }
    session.answers["logs.FilterLogEvents"] = events
    found = gather(here, "q-1", now)
    assert [line.took_ms for line in found.lines] == [7.5, None]
    assert found.summarised == Line(NOW, "reporter", {"function": "summarise", "days": 2})


def test_what_the_apis_do_not_know_is_none(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"/v1/correlations/q-1": 404}
    found = gather(account([], monkeypatch, **known), "q-1", now)
    assert (found.correlation, found.fact, found.letters) == (None, None, ())


@pytest.mark.parametrize(("receipt", "erased"), [(404, False), ({"removed": []}, True)])
def test_a_receipt_of_its_erasure_says_that_it_was_erased(
    now: datetime, monkeypatch: pytest.MonkeyPatch, receipt: Any, erased: bool
) -> None:
    known = {"/v1/correlations/q-1": 404, RECEIPT: receipt}
    assert gather(account([], monkeypatch, **known), "q-1", now).erased == erased


def test_a_question_that_the_reporter_does_not_have_is_no_fact(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"/v1/questions/q-1": 404}
    assert gather(account([], monkeypatch, **known), "q-1", now).fact is None


@pytest.mark.parametrize("path", ["/v1/correlations/q-1", "/v1/questions/q-1"])
def test_an_api_that_fails_ends_the_search(
    path: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EvidenceError, match="answered 503"):
        gather(account([], monkeypatch, **{path: 503}), "q-1", now)


@pytest.mark.parametrize("request_id", ["a b", "", 'x"', "../days"])
def test_what_is_no_request_id_is_not_looked_for(request_id: str, now: datetime) -> None:
    with pytest.raises(EvidenceError, match="no request id"):
        gather(Account("dev", AnsweringSession({})), request_id, now)


def test_without_a_processor_the_stage_is_named(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "api_urls", lambda _: iter(()))
    with pytest.raises(EvidenceError, match="not deployed in stage dev"):
        gather(Account("dev", AnsweringSession({})), "q-1", now)
