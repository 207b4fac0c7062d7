"""What an operator and SES do: commands, bounces, erasure; and that no log tells a question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cv_contracts.events import CorrelationCompleted, SessionErased
from fastapi.testclient import TestClient

from cv_reporter import bootstrap
from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.entrypoints import feedback, project, relay, report, summarise
from cv_reporter.entrypoints.api import create_app
from cv_reporter.ops.cli import main
from tests.integration import world as worlds
from tests.integration.world import World, sqs_record
from tests.sample import chatbot_events, completed, completed_events, correlations

WEEK = {"week": "2025-W46"}
DAYS = ["--from", "2025-11-10", "--to", "2025-11-16"]


def bounced(kind: str) -> dict[str, object]:
    recipients = [{"emailAddress": worlds.OWNER.upper()}]
    return {"detail": {"bounce": {"bounceType": kind, "bouncedRecipients": recipients}}}


def test_a_permanent_bounce_stops_mail_and_shows_in_the_next_report(busy: World) -> None:
    assert feedback.handler(bounced("Permanent"), None) == {"stopped": 1}
    assert report.handler(WEEK, None)["sent"] == 0
    assert busy.sent_mail() == []
    told = TestClient(create_app()).get("/v1/reports/2025-W46.txt").text
    assert "Mail stopped: to 1 that bounced and 0 that complained" in told


def test_a_transient_bounce_stops_nothing_and_a_complaint_does(world: World) -> None:
    assert feedback.handler(bounced("Transient"), None) == {"stopped": 0}
    complaint = {"complaint": {"complainedRecipients": [{"emailAddress": "a@b.example"}]}}
    feedback.handler({"detail": complaint}, None)
    assert bootstrap.suppressions().all() == {"a@b.example": "complaint"}


def test_a_mail_in_doubt_is_not_sent_again_until_an_operator_says_so(
    busy: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = bootstrap.publisher().ledger
    ledger.begin("2025-W46", worlds.OWNER, 1)
    assert report.handler(WEEK, None) == {"week": "2025-W46", "sent": 0, "inDoubt": 1}
    assert busy.sent_mail() == []
    week = ["--week", "2025-W46"]
    assert main(["resolve-send", *week, "--not-sent"]) == 2
    assert main(["resolve-send", *week, "--not-sent", "--yes"]) == 0
    assert main(["send", *week, "--yes"]) == 0
    assert len(busy.sent_mail()) == 1
    assert ledger.lines("2025-W46")[0].state == "SENT"
    assert "SENDING  owner@cv.example" in capsys.readouterr().out


def test_a_refused_mail_is_tried_again_by_the_schedule(
    busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDER", "unknown@nowhere.example")
    worlds.forget()
    with pytest.raises(report.NotSentError):
        report.handler(WEEK, None)
    monkeypatch.setenv("SENDER", worlds.SENDER)
    worlds.forget()
    assert report.handler(WEEK, None)["sent"] == 1


def test_the_mail_client_never_sends_twice_by_itself() -> None:
    settings = client_without_retries("sesv2").meta.config.retries
    assert settings["total_max_attempts"] == 1


def test_rebuild_recomputes_what_a_lost_stream_would_have(
    busy: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {at: item for at, item in busy.items().items() if at[0].startswith("SUMMARY#")}
    for pk, sk in before:
        client("dynamodb").delete_item(
            TableName=worlds.TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}}
        )
    period = ["--from", "2025-11-03", "--to", "2025-11-15"]
    assert main(["rebuild", *period, "--yes"]) == 0
    after = busy.items()
    assert all(after[at]["data"] == item["data"] for at, item in before.items())
    assert "13 of 13" in capsys.readouterr().err


def test_preview_keeps_and_sends_nothing(
    busy: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = busy.items()
    preview = ["preview", "--week", "2025-W46"]
    assert main(preview) == 0
    assert "28 asked, 12 unanswered" in capsys.readouterr().out
    for suffix in (".html", ".txt", ".json", ".csv"):
        assert (
            main(["preview", "--week", "2025-W46", "--to-file", str(tmp_path / f"r{suffix}")]) == 0
        )
    assert main(["preview", "--week", "2025-W46", "--to-file", str(tmp_path / "r.pdf")]) == 2
    assert busy.items() == before
    assert busy.sent_mail() == []


def test_the_link_command_prints_a_link_that_opens(
    busy: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboard-link"]) == 0
    link = capsys.readouterr().out.strip()
    api = TestClient(create_app(), base_url="https://api.example")
    assert api.get("/dashboard?" + link.partition("?")[2]).status_code == 200


def test_dead_letters_are_listed_without_content_and_shown_on_demand(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = client("sqs").create_queue(QueueName="facts-dlq")["QueueUrl"]
    monkeypatch.setenv("FACTS_DLQ_URL", url)
    bootstrap.settings.cache_clear()
    body = json.dumps({"detail-type": CorrelationCompleted.DETAIL_TYPE, "detail": "secret text"})
    client("sqs").send_message(QueueUrl=url, MessageBody=body)
    told = TestClient(create_app()).post("/v1/reports/2025-W46").json()
    assert told["findings"]["health"]["deadLetters"] == 1
    main(["dlq", "list"])
    listed = capsys.readouterr().out
    assert CorrelationCompleted.DETAIL_TYPE in listed
    assert "secret text" not in listed
    assert main(["dlq", "redrive", "--dry-run"]) == 0


def test_a_malformed_message_fails_alone(world: World) -> None:
    good = sqs_record(1, completed_events()[0])
    bad = [
        {"messageId": "b1", "body": "no json"},
        {"messageId": "b2", "body": json.dumps({"detail-type": "Other", "detail": {}})},
        {"messageId": "b3", "body": json.dumps({"detail-type": CorrelationCompleted.DETAIL_TYPE})},
        {"messageId": "b4", "body": "[]"},
    ]
    answer = project.handler({"Records": [*bad, good]}, None)
    failed = sorted(each["itemIdentifier"] for each in answer["batchItemFailures"])
    assert failed == ["b1", "b2", "b3", "b4"]
    assert len(world.facts()) == 1


CANARY = "canary-in-a-question-4711"


def test_no_log_line_and_no_error_carries_a_question(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = {"question": CANARY, "reasoning": CANARY, "sources": [CANARY]}
    document = correlations(chatbot_events())[12] | marked
    world.deliver([completed(document), completed(document | {"revision": 2})])
    broken = sqs_record(9, completed(document))
    broken["body"] = broken["body"].replace('"revision": 1', '"revision": -1')
    project.handler({"Records": [broken]}, None)
    world.pump()
    report.handler(WEEK, None)
    world.pump()
    for handler in (summarise.handler, relay.handler):
        handler({"Records": []}, None)
    logs = capsys.readouterr()
    assert "projected" in logs.out
    assert CANARY not in logs.out + logs.err


def test_a_stored_report_loses_an_erased_sessions_text_but_not_its_numbers(busy: World) -> None:
    api = TestClient(create_app())
    before = api.post("/v1/reports/2025-W46").json()
    assert "Helm or EKS" in json.dumps(before)
    erasure = {"erasureId": "e9", "sessionId": "s06", "erasedAt": 1_763_337_600_000}
    event = SessionErased.read(
        {
            "id": "00000000-0000-5000-8000-000000000001",
            "source": SessionErased.SOURCE,
            "type": SessionErased.DETAIL_TYPE,
            "subject": "e9",
            "time": "2025-11-17T00:00:00.000Z",
            "dataschema": SessionErased.schema_name(),
            "data": erasure | {"correlations": 3},
        }
    )
    project.handler({"Records": [sqs_record(1, event)]}, None)
    busy.pump()
    kept = api.get("/v1/reports/2025-W46").json()
    assert "Helm or EKS" not in json.dumps(kept)
    assert kept["totals"] == before["totals"]
    rebuilt = api.post("/v1/reports/2025-W46").json()
    assert rebuilt["totals"]["questions"] == before["totals"]["questions"] - 3
    assert api.get("/v1/reports/2025-W46.html").status_code == 200
