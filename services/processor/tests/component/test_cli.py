"""The operators' commands, against the in-process AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError
from cv_contracts.chatbot import canonical_id
from cv_contracts.events import SessionErased

from cv_processor.adapters import dead_letters
from cv_processor.adapters.aws import client
from cv_processor.adapters.erasure_store import ErasureTable
from cv_processor.adapters.sqs import SqsErasures
from cv_processor.application.erasure import (
    EraseCommand,
    erase,
    erasure_id_of,
    note_count,
    request_erasure,
)
from cv_processor.application.errors import UnavailableError
from cv_processor.bootstrap import services
from cv_processor.domain.erasure import Question, Session
from cv_processor.entrypoints.cli import main
from tests.component.world import World, environment, queue_url
from tests.events import ASKED, query, response


@pytest.fixture(autouse=True)
def _without_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)


def ops(*arguments: str) -> int:
    return main(arguments)


def fill_dlq(world: World) -> None:
    world.ingest("not json", response(matchScore=101))
    client("sqs").send_message(
        QueueUrl=queue_url("INGEST_DLQ"),
        MessageBody=json.dumps(query()),
        MessageGroupId="q-1",
        MessageDeduplicationId="once",
    )


def test_dlq_list_names_reasons_and_leaves_the_messages(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_dlq(world)
    for _ in range(2):
        assert ops("dlq", "list") == 0
        printed = capsys.readouterr().out
        assert "3 messages" in printed
        assert "matchScore" in printed
        assert "its retries ran out" in printed


def test_dlq_show_prints_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    fill_dlq(world)
    message = world.messages("INGEST_DLQ")[0]
    assert ops("dlq", "show", message.id) == 0
    assert "not json" in capsys.readouterr().out
    assert ops("dlq", "show", "nobody") == 1


def test_dlq_redrive_asks_then_sends_back_what_is_an_event(world: World) -> None:
    fill_dlq(world)
    assert ops("dlq", "redrive", "--dry-run") == 0
    assert ops("dlq", "redrive") == 1
    assert world.messages("INGEST") == []
    assert ops("dlq", "redrive", "--yes") == 0
    assert [json.loads(each.body) for each in world.messages("INGEST")] == [query()]
    assert len(world.messages("INGEST_DLQ")) == 2


def fill_one_group(number: int) -> None:
    """What the original chatbot's events are, whose retries ran out: all of one group."""
    for each in range(number):
        client("sqs").send_message(
            QueueUrl=queue_url("INGEST_DLQ"),
            MessageBody=json.dumps(query(f"q-{each}")),
            MessageGroupId="analytics",
            MessageDeduplicationId=f"once-{each}",
        )


def test_dlq_list_tells_of_those_that_wait_behind_others_of_their_group(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_one_group(25)
    assert ops("dlq", "list") == 0
    assert "10 messages in the ingest DLQ, and about 15 behind" in capsys.readouterr().out


def test_dlq_redrive_sends_a_whole_group_back(world: World) -> None:
    fill_one_group(25)
    assert ops("dlq", "redrive", "--yes") == 0
    assert len(world.messages("INGEST")) == 25
    assert world.messages("INGEST_DLQ") == []


def test_a_message_that_is_ours_no_more_needs_no_putting_back(world: World) -> None:
    """Reading a long DLQ takes longer than its messages stay hidden."""
    fill_dlq(world)
    queue = services().dead_letters
    (letter, *others) = queue.letters()
    queue.redrive(letter)
    for each in (letter, *others):
        queue.put_back(each)
    assert len(list(queue.letters())) == len(others) == 2


@pytest.mark.parametrize(
    ("code", "passed_over"),
    [("AWS.SimpleQueueService.MessageNotInflight", True), ("AccessDenied", False)],
)
def test_only_a_receipt_that_ran_out_is_passed_over(
    world: World, code: str, passed_over: bool
) -> None:
    class Refusing:
        def change_message_visibility(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": code}}, "ChangeMessageVisibility")

    fill_dlq(world)
    letter = next(services().dead_letters.letters())
    queue = dead_letters.DeadLetterQueue(Refusing(), "url", "source")
    with nullcontext() if passed_over else pytest.raises(UnavailableError):
        queue.put_back(letter)


def test_republish_sends_the_same_events_again(world: World) -> None:
    world.ingest(query(), response())
    world.relay()
    days = ("--from", "2025-11-02", "--to", "2025-11-04")
    assert ops("republish", *days) == 1
    assert ops("republish", *days, "--yes") == 0
    first, second = world.published()
    assert first == second


def test_republish_tells_again_of_erasures_that_nobody_confirmed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ingest(query(), response())
    erased(world, "s01")
    confirmed = erased(world, "s02")
    note_count(erasures(), confirmed, "reporter", 0)
    world.relay()
    before = world.published()
    days = ("--from", "2025-11-02", "--to", "2025-11-04")
    assert ops("republish", *days, "--yes") == 0
    assert "1 event published, 0 refused" in capsys.readouterr().out
    again = world.published()[len(before) :]
    assert [each["type"] for each in again] == [SessionErased.DETAIL_TYPE]
    assert again[0] in before


def erased(world: World, session_id: str) -> str:
    """Both passes of a session's erasure."""
    erasure_id = erasure_id_of(Session(session_id))
    queue = SqsErasures(client("sqs"), queue_url("ERASURE"))
    request_erasure(erasures(), queue, Session(session_id), ASKED)
    for number in (1, 2):
        erase(erasures(), queue, EraseCommand(erasure_id, number), now=ASKED, settle=0)
    return erasure_id


def erasures() -> ErasureTable:
    """The receipts."""
    return services().erasures


def test_open_and_conflicts_list_what_waits(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ingest(query(), query(query="Other?", timestamp=1_762_161_999_000), response("q-9"))
    capsys.readouterr()
    assert ops("open") == 0
    assert "1 open question, 1 answer without a question" in capsys.readouterr().out
    assert ops("conflicts") == 0
    assert "1 parked event;" in capsys.readouterr().out


def test_erase_asks_for_an_erasure(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.ingest(query())
    assert ops("erase", "anonymous", "--yes") == 1
    assert ops("erase", "s01") == 1
    assert world.messages("ERASURE") == []
    assert ops("erase", "s01", "--yes") == 0
    assert len(world.messages("ERASURE")) == 1


@pytest.mark.parametrize("raw", ["q-1", "a/b c"])
def test_erase_question_asks_for_the_erasure_of_the_id_that_the_chatbot_sent(
    world: World, capsys: pytest.CaptureFixture[str], raw: str
) -> None:
    world.ingest(query(raw, sessionId=None))
    assert ops("erase-question", raw) == 1
    assert world.messages("ERASURE") == []
    assert ops("erase-question", raw, "--yes") == 0
    erasure_id = erasure_id_of(Question(canonical_id(raw)))
    assert erasure_id in capsys.readouterr().out
    assert erasures().pending(erasure_id) == Question(canonical_id(raw))
    assert len(world.messages("ERASURE")) == 1


@pytest.mark.parametrize("left", [EOFError, KeyboardInterrupt])
def test_leaving_at_the_question_changes_nothing_and_is_no_error_of_ours(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    left: type[BaseException],
) -> None:
    def leave(_: str) -> bool:
        raise typer.Abort from left()

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", leave)
    assert ops("erase", "s01") == 130
    assert world.messages("ERASURE") == []
    assert capsys.readouterr().out.endswith("Stopped.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Operate the deployed Processor"),
        (["dlq"], "could not be processed"),
        (["dlq", "list"], "with their reasons; they stay"),
        (["dlq", "show"], "as `dlq list` prints it"),
        (["dlq", "redrive"], "those that are no events stay"),
        (["conflicts"], "contradict each other"),
        (["open"], "answers without a question"),
        (["republish"], "the first UTC day: 2025-11-03"),
        (["reproject"], "until this has run, the stored number holds"),
        (["erase"], "in every service that reads of us"),
    ],
)
def test_each_command_explains_itself(
    arguments: list[Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops(*arguments, "--help") == 0
    assert words in " ".join(capsys.readouterr().out.split())


def test_what_is_no_day_is_told_with_one_that_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("republish", "--from", "2025-13-01", "--to", "tomorrow") == 2
    assert "'2025-13-01' does not match" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"AWS_REGION": "eu-west-2", "AWS_PROFILE": "nobody"}, "ProfileNotFound"),
        ({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}, "NoRegionError"),
        (
            {"AWS_DEFAULT_REGION": "eu-west-2", "AWS_EC2_METADATA_DISABLED": "true"},
            "NoCredentialsError",
        ),
    ],
)
def test_what_the_set_up_lacks_is_told_with_its_remedy(
    settings: dict[str, str], error: str, tmp_path: Path
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ours = {name: value for name, value in environment().items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "cv_processor.entrypoints.cli", "open"],
        env=kept | ours | settings | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert f"AWS did not do it: {error}. Check credentials, region and stage." in done.stdout
