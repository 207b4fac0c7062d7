"""Operators and the facts DLQ: looking takes nothing, and sending back loses nothing."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cv_contracts.events import CorrelationCompleted
from fastapi.testclient import TestClient

from cv_reporter.adapters import dead_letters
from cv_reporter.adapters.aws import client
from cv_reporter.adapters.dead_letters import DeadLetter, DeadLetterQueue
from cv_reporter.application.errors import UnavailableError
from cv_reporter.application.redrive import redrive
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.api import create_app
from cv_reporter.entrypoints.cli import main
from tests.component.world import ENVIRONMENT, World

FACTS, DLQ = ENVIRONMENT["FACTS_QUEUE_URL"], ENVIRONMENT["FACTS_DLQ_URL"]
FAR = 2**53


@pytest.fixture(autouse=True)
def _empty(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
    for url in (FACTS, DLQ):
        client("sqs").delete_queue(QueueUrl=url)
        client("sqs").create_queue(QueueName=url.rpartition("/")[2])


def event(number: int) -> str:
    return json.dumps({"detail-type": CorrelationCompleted.DETAIL_TYPE, "detail": f"text {number}"})


def fill(*bodies: str) -> None:
    for body in bodies:
        client("sqs").send_message(QueueUrl=DLQ, MessageBody=body)


def taken(url: str) -> list[dict[str, Any]]:
    """All messages of a queue, removed from it."""
    messages: list[dict[str, Any]] = []
    while (
        answer := client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        .get("Messages")
    ):
        for message in answer:
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        messages += answer
    return messages


def every(_: DeadLetter) -> bool:
    return True


def test_list_names_kinds_without_content_and_leaves_the_messages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(event(1), "no event")
    for _ in range(2):
        assert main(["dlq", "list"]) == 0
        printed = capsys.readouterr().out
        assert "2 messages in the facts DLQ." in printed
        assert f"1 try  {CorrelationCompleted.DETAIL_TYPE}" in printed
        assert "1 try  no event" in printed
        assert "text" not in printed


def test_show_prints_one_message_with_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    fill(event(1))
    [letter] = services().dead_letters.letters()
    services().dead_letters.put_back(letter)
    assert main(["dlq", "show", letter.message_id]) == 0
    assert "text 1" in capsys.readouterr().out
    assert main(["dlq", "show", "another"]) == 1
    assert "No such message" in capsys.readouterr().err


def test_the_report_says_how_many_events_wait() -> None:
    fill(event(1))
    report = TestClient(create_app()).post("/v1/reports/2025-W46").json()
    assert report["findings"]["health"]["deadLetters"] == 1


def test_redrive_right_after_list_asks_then_sends_events_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(*map(event, range(12)), "no event")
    assert main(["dlq", "list"]) == 0
    assert main(["dlq", "redrive", "--dry-run"]) == 0
    assert main(["dlq", "redrive"]) == 1
    assert taken(FACTS) == []
    capsys.readouterr()
    assert main(["dlq", "redrive", "--yes"]) == 0
    assert "12 messages sent, 1 in the DLQ now (left" in capsys.readouterr().out
    sent = taken(FACTS)
    assert sorted(message["Body"] for message in sent) == sorted(map(event, range(12)))
    assert {m["MessageAttributes"]["attempt"]["StringValue"] for m in sent} == {"2"}
    assert main(["dlq", "redrive", "--all", "--yes"]) == 0
    assert [message["Body"] for message in taken(FACTS)] == ["no event"]
    assert taken(DLQ) == []


def test_two_operators_at_once_send_each_message_once() -> None:
    fill(*map(event, range(25)))
    queue = services().dead_letters
    one, other = (redrive(queue, every, started_at=FAR) for _ in range(2))
    for _ in range(25):
        next(one, None)
        next(other, None)
    assert len(taken(FACTS)) == 25
    assert taken(DLQ) == []


def test_a_crash_between_sending_and_deleting_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def die(**_: object) -> None:
        raise Killed

    fill(event(1))
    queue = services().dead_letters
    events = client("sqs").meta.events
    events.register_first("before-send.sqs.DeleteMessage", die)
    try:
        with pytest.raises(Killed):
            list(redrive(queue, every, started_at=FAR))
    finally:
        events.unregister("before-send.sqs.DeleteMessage", die)
    assert queue.waiting() == 1
    assert [message["Body"] for message in taken(FACTS)] == [event(1)]


def test_what_fails_again_meanwhile_stays() -> None:
    """A consumer that refuses a message puts it back while the command still runs."""
    fill(event(1), event(2))
    queue = services().dead_letters
    passes = redrive(queue, every, started_at=FAR)
    next(passes)
    later = redrive(queue, every, started_at=0)
    assert [result.sent for result in later] == []
    list(passes)
    fill(event(3))
    assert [result.sent for result in redrive(queue, every, started_at=0)] == [False]
    assert len(taken(FACTS)) == 2
    assert [message["Body"] for message in taken(DLQ)] == [event(3)]


@pytest.mark.parametrize(
    ("code", "passed_over"),
    [("AWS.SimpleQueueService.MessageNotInflight", True), ("AccessDenied", False)],
)
def test_only_a_receipt_that_ran_out_is_passed_over(code: str, passed_over: bool) -> None:
    class Refusing:
        def change_message_visibility(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": code}}, "ChangeMessageVisibility")

    fill(event(1))
    letter = next(services().dead_letters.letters())
    queue = DeadLetterQueue(Refusing(), "url", "source")
    with nullcontext() if passed_over else pytest.raises(UnavailableError):
        queue.put_back(letter)
