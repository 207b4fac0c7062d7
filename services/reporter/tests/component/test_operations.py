"""What an operator and SES do: commands, bounces, erasure; and that no log tells a question."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cv_contracts.events import CorrelationCompleted
from fastapi.testclient import TestClient

from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.calendar import Week
from cv_reporter.entrypoints import feedback, project, relay, report, summarise
from cv_reporter.entrypoints.api import create_app
from cv_reporter.entrypoints.cli import main
from cv_reporter.entrypoints.observability import logger
from tests.component import world as worlds
from tests.component.world import World, sqs_record
from tests.faults.faults import Crash
from tests.sample import (
    MONDAY_NOON,
    chatbot_events,
    completed,
    completed_events,
    correlations,
    erased,
)

WEEK = {"week": "2025-W46"}
Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """The lines that the handlers have logged so far in this test."""
    [handler] = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


DAYS = ["--from", "2025-11-10", "--to", "2025-11-16"]


@pytest.fixture
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator sits there on the Monday after week 46, at eight."""
    monday = int(datetime(2025, 11, 17, 8, tzinfo=UTC).timestamp() * 1_000)
    monkeypatch.setattr(Services, "now_ms", lambda _: monday)


def told_by_ses(detail_type: str, detail: dict[str, object]) -> dict[str, object]:
    """An event as SES puts it on the default bus: the envelope, the record, and the mail."""
    mail = {
        "timestamp": "2025-11-17T07:00:03.012Z",
        "source": worlds.SENDER,
        "sendingAccountId": "123456789012",
        "messageId": "0102019a9004d2b2-6f4a0b5c-3b1e-4a8e-9d7a-000000000001-000000",
        "destination": [worlds.OWNER],
        "headersTruncated": False,
        "headers": [{"name": "To", "value": worlds.OWNER}],
        "commonHeaders": {"from": [worlds.SENDER], "to": [worlds.OWNER]},
        "tags": {"ses:configuration-set": ["cv-analytics-test-reporter"]},
    }
    return {
        "version": "0",
        "id": "12a18625-3cb0-fafb-a3b5-7bcc3f5f9c04",
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": "123456789012",
        "time": "2025-11-17T07:00:09Z",
        "region": worlds.REGION,
        "resources": ["arn:aws:ses:eu-west-2:123456789012:configuration-set/reporter"],
        "detail": detail | {"mail": mail},
    }


def bounced(kind: str, *addresses: str) -> dict[str, object]:
    """A bounce of mail to these addresses, written as a server may write them."""
    recipients = [
        {
            "emailAddress": address.upper(),
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
        for address in addresses or (worlds.OWNER,)
    ]
    bounce = {
        "bounceType": kind,
        "bounceSubType": "General",
        "bouncedRecipients": recipients,
        "timestamp": "2025-11-17T07:00:08.669Z",
        "feedbackId": "0102019a9004e2f7-00000000-0000-4000-8000-000000000000-000000",
        "reportingMTA": "dsn; mta.example",
    }
    return told_by_ses("Email Bounced", {"eventType": "Bounce", "bounce": bounce})


def complained(address: str, kind: str = "abuse") -> dict[str, object]:
    """A complaint, as the recipient's provider passed it on."""
    complaint = {
        "complainedRecipients": [{"emailAddress": address}],
        "timestamp": "2025-11-17T09:12:00.000Z",
        "feedbackId": "0102019a9004e2f7-00000000-0000-4000-8000-000000000001-000000",
        "complaintSubType": None,
        "userAgent": "ExampleCorp Feedback Loop (V0.01)",
        "complaintFeedbackType": kind,
        "arrivalDate": "2025-11-17T09:12:00.000Z",
    }
    return told_by_ses(
        "Email Complaint Received", {"eventType": "Complaint", "complaint": complaint}
    )


FRIEND = "friend@cv.example"


@pytest.mark.parametrize(
    ("event", "printed"),
    [
        (bounced("Permanent"), "Mails to 1 recipient bounced and stopped."),
        (complained(worlds.OWNER), "Mails to 1 recipient were reported as spam and stopped."),
    ],
)
def test_a_bounce_or_complaint_stops_mail_and_shows_in_report_and_dashboard(
    busy: World, monkeypatch: pytest.MonkeyPatch, event: dict[str, object], printed: str
) -> None:
    monkeypatch.setenv("RECIPIENTS", f"{worlds.OWNER},{FRIEND}")
    worlds.forget()
    assert report.handler({"week": "2025-W45"}, None)["sent"] == 2
    assert feedback.handler(event, None) == {"stopped": 1}
    assert feedback.handler(event, None) == {"stopped": 1}, "events may come twice"
    assert report.handler(WEEK, None)["sent"] == 1
    assert [mail.destinations["ToAddresses"] for mail in busy.sent_mail()] == [
        [worlds.OWNER], [FRIEND], [FRIEND],
    ]  # fmt: skip
    assert printed in busy.sent_mail()[-1].body
    owner = TestClient(create_app(), base_url="https://api.example")
    assert printed in " ".join(owner.get("/v1/reports/2025-W46.txt").text.split())
    link = services().dashboard_link() or ""
    owner.get("/dashboard?" + link.partition("?")[2])
    page = " ".join(owner.get("/dashboard/reports").text.split())
    assert f"No mail goes to <bdi>{worlds.OWNER}</bdi>" in page


def test_what_passes_or_is_no_complaint_stops_nothing(world: World) -> None:
    for event in (bounced("Transient"), bounced("Undetermined"), complained(FRIEND, "not-spam")):
        assert feedback.handler(event, None) == {"stopped": 0}
    assert services().suppressions.all() == {}


def test_each_address_of_a_bounce_is_stopped_and_logs_name_none(
    world: World, logged: Logged
) -> None:
    assert feedback.handler(bounced("Permanent", FRIEND, worlds.OWNER), None) == {"stopped": 2}
    feedback.handler(complained(FRIEND), None)
    assert set(services().suppressions.all()) == {FRIEND, worlds.OWNER}
    lines = logged()
    assert [line["MailStopped"] for line in lines] == [[2.0], [1.0]]
    assert "@" not in json.dumps(lines)


W46 = ["--week", "2025-W46"]


@pytest.fixture(params=["before-send", "response-received"])
def in_doubt(busy: World, request: pytest.FixtureRequest) -> int:
    """A process that was gone before or after its mail; how many mails SES has taken."""

    def crash(**_: object) -> None:
        raise Crash

    events = client_without_retries("sesv2").meta.events
    events.register_first(request.param, crash)
    with pytest.raises(Crash):
        report.handler(WEEK, None)
    events.unregister(request.param, crash)
    taken = {"before-send": 0, "response-received": 1}[request.param]
    assert len(busy.sent_mail()) == taken
    return taken


def test_a_mail_in_doubt_is_told_and_not_sent_again(
    busy: World, in_doubt: int, capsys: pytest.CaptureFixture[str], logged: Logged
) -> None:
    assert report.handler(WEEK, None) == {"week": "2025-W46", "sent": 0, "inDoubt": 1}
    assert logged()[-1]["SendingInDoubt"] == [1.0]
    assert main(["send", *W46, "--yes"]) == 1
    assert "in doubt 1 (see resolve-send)" in capsys.readouterr().out
    assert main(["preview", *W46]) == 0
    assert "in doubt: 1 mail of 2025-W46 (see resolve-send)" in capsys.readouterr().err
    assert main(["resolve-send", *W46]) == 0
    assert re.fullmatch(
        r"SENDING  owner@cv\.example \d{4}-\d\d-\d\dT[\d:.]{12}Z\n", capsys.readouterr().out
    )
    assert len(busy.sent_mail()) == in_doubt


@pytest.mark.parametrize(
    ("truth", "state", "more"), [("--sent", "SENT", 0), ("--not-sent", "REFUSED", 1)]
)
def test_an_operator_says_what_became_of_a_mail_in_doubt(
    busy: World,
    in_doubt: int,
    capsys: pytest.CaptureFixture[str],
    truth: str,
    state: str,
    more: int,
) -> None:
    assert main(["resolve-send", *W46, truth]) == 1
    assert f"Mark 1 as {state}? Not done" in capsys.readouterr().err
    assert main(["resolve-send", *W46, truth, "--yes"]) == 0
    assert "1 resolved" in capsys.readouterr().out
    assert main(["send", *W46, "--yes"]) == 0
    assert "sent in all 1, refused now 0, in doubt 0, stopped" in capsys.readouterr().out
    assert main(["preview", *W46]) == 0
    assert "in doubt" not in capsys.readouterr().err
    assert len(busy.sent_mail()) == in_doubt + more


def test_what_is_certain_can_not_be_resolved(
    busy: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve-send", *W46, "--sent", "--yes"]) == 0
    assert capsys.readouterr().out == "no mail of 2025-W46 was begun\nnone is in doubt\n"
    report.handler(WEEK, None)
    before = busy.items()
    assert main(["resolve-send", *W46, "--not-sent", "--yes"]) == 0
    assert "none is in doubt" in capsys.readouterr().out
    assert busy.items() == before


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


def test_an_address_that_is_written_twice_is_one_recipient(
    busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECIPIENTS", f"{worlds.OWNER}, {worlds.OWNER.upper()}")
    worlds.forget()
    assert report.handler(WEEK, None)["sent"] == len(busy.sent_mail()) == 1


def test_the_mail_client_never_sends_twice_by_itself() -> None:
    settings = client_without_retries("sesv2").meta.config.retries
    assert settings["total_max_attempts"] == 1


@pytest.mark.usefixtures("in_november")
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
    assert capsys.readouterr().out == "13 days recomputed\n"


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


@pytest.mark.usefixtures("in_november")
@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["preview", "--week", "2025-W99"], "'2025-W99' is no week such as 2025-W46"),
        (["rebuild", "--from", "x", "--to", "y"], "'x' is no date such as 2025-11-10"),
        (["rebuild", "--from", "2025-11-11", "--to", "2025-11-10"], "--to must not be before"),
        (["resolve-send", "--sent", "--not-sent"], "exclude each other"),
        (["cv-skills", "--file", "nowhere.txt"], "does not exist"),
    ],
)
def test_wrong_usage_is_explained_and_changes_nothing(
    world: World, capsys: pytest.CaptureFixture[str], command: list[str], why: str
) -> None:
    assert main(command) == 2
    assert why in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert world.items() == {}


@pytest.mark.usefixtures("in_november")
@pytest.mark.parametrize(
    ("command", "why"),
    [
        (
            ["rebuild", "--from", "2024-10-13", "--to", "2025-11-10", "--yes"],
            "--from must be 2024-10-14 or later",
        ),
        (["send", "--week", "2025-W47"], "who gets it now gets none on Monday. Not done"),
        (["rebuild", *DAYS], "Recompute 7 days? Not done"),
        (["send", "--week", "2025-W46"], "Send the report of 2025-W46 to 1 recipient? Not done"),
        (["reconcile", *DAYS], "the Processor did not answer: ParameterNotFound"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_and_changes_nothing(
    world: World, capsys: pytest.CaptureFixture[str], command: list[str], why: str
) -> None:
    assert main(command) == 1
    printed = capsys.readouterr().err
    assert why in printed
    assert "Traceback" not in printed
    assert world.items().keys() <= {("COMPARISON", "LAST")}


@pytest.mark.usefixtures("in_november")
def test_what_aws_does_not_do_is_told_in_a_line_with_a_remedy(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "of-another-stage")
    worlds.forget()
    for command in (["preview"], ["rebuild", *DAYS, "--yes"], ["send", "--yes"], ["cv-skills"]):
        assert main(command) == 1
        printed = capsys.readouterr().err
        assert "AWS did not do it: ResourceNotFoundException. Check credentials, region" in printed


def test_the_list_of_skills_is_replaced_only_when_agreed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "skills.txt"
    file.write_text("Go\n\n  Elixir \n", encoding="utf-8")
    assert main(["cv-skills", "--file", str(file)]) == 1
    assert main(["cv-skills"]) == 0
    assert main(["cv-skills", "--file", str(file), "--yes"]) == 0
    assert main(["cv-skills"]) == 0
    assert capsys.readouterr().out == "no skills are listed\n2 skills kept\nElixir\nGo\n"


CANARY = "canary-in-a-question-4711"


def test_no_log_line_and_no_error_carries_a_question(
    world: World, capsys: pytest.CaptureFixture[str], logged: Logged
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
    lines = json.dumps(logged())
    assert '"function": "project"' in lines
    assert CANARY not in lines + logs.out + logs.err


def erase(world: World, session_id: str) -> None:
    project.handler({"Records": [sqs_record(1, erased(session_id, "e9"))]}, None)
    world.pump()


def test_a_stored_report_loses_an_erased_sessions_text_but_not_its_numbers(busy: World) -> None:
    api = TestClient(create_app())
    before = api.post("/v1/reports/2025-W46").json()
    assert "Helm or EKS" in json.dumps(before)
    erase(busy, "s06")
    kept = api.get("/v1/reports/2025-W46").json()
    assert "Helm or EKS" not in json.dumps(kept)
    assert kept["totals"] == before["totals"]
    rebuilt = api.post("/v1/reports/2025-W46").json()
    assert rebuilt["totals"]["questions"] == before["totals"]["questions"] - 3
    assert api.get("/v1/reports/2025-W46.html").status_code == 200


def missed(number: int, question: str) -> dict[str, Any]:
    """A question of a session of its own that nobody answered, on Monday noon of week 46."""
    return {
        "requestId": f"11111111-1111-4111-8111-{number:012d}",
        "revision": 1,
        "outcome": "none",
        "askedAt": MONDAY_NOON + number * 1_000,
        "sessionId": f"s{number}",
        "question": question,
        "client": "browser",
    }


def test_a_group_of_a_stored_report_is_not_known_by_an_erased_question(world: World) -> None:
    """The erased one leads its group, and is older than the group's samples."""
    texts = ("aardvark husbandry 0 mine", *(f"aardvark husbandry {n}" for n in (1, 2, 3)))
    world.deliver(completed(missed(n, text)) for n, text in enumerate(texts))
    world.pump()
    before = services().report_builder.build(Week(2025, 46))
    [group] = before.findings.groups
    assert (group.count, len(group.samples)) == (4, 3)
    erase(world, "s0")
    kept = services().report_store.get("2025-W46")
    assert kept is not None
    assert "mine" not in kept.body


def test_an_erased_question_leaves_the_report_of_the_week_that_it_was_moved_from(
    world: World,
) -> None:
    asked = missed(1, "a canary in a week of its own")
    world.deliver([completed(asked)])
    world.pump()
    services().report_builder.build(Week(2025, 46))
    earlier = asked | {"revision": 2, "askedAt": MONDAY_NOON - 7 * 86_400_000}
    world.deliver([completed(earlier)])
    world.pump()
    erase(world, "s1")
    assert "canary" not in json.dumps(list(world.items().values()))


def test_a_report_that_is_built_right_after_an_erasure_knows_nothing_of_the_session(
    world: World,
) -> None:
    """The stream has not printed yet that facts are gone."""
    world.deliver([completed(missed(1, "a canary"))])
    world.pump()
    project.handler({"Records": [sqs_record(1, erased("s1", "e9"))]}, None)
    assert services().report_builder.build(Week(2025, 46)).totals.questions == 0
    world.pump()
    assert "canary" not in json.dumps(list(world.items().values()))


def test_the_line_of_a_batch_says_how_long_its_oldest_event_was_under_way(
    world: World, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "now_ms", lambda _: 1_763_370_009_500)
    records = [sqs_record(n, event) for n, event in enumerate(completed_events()[:3])]
    taken = ["2025-11-17T09:00:09Z", "2025-11-17T09:00:00Z", "no time"]
    for record, at in zip(records, taken, strict=True):
        record["body"] = json.dumps({**json.loads(record["body"]), "time": at})
    project.handler({"Records": records}, None)
    [line] = logged()
    assert (line["ProjectLag"], line["FactsRecorded"]) == ([9_500.0], [3.0])
    assert len(line["requests"]) == 3
