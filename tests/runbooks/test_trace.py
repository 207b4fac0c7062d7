"""`make trace` of real questions: what became of each, and which hop is missing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

import pytest

from tests.runbooks.stage import MeteredStage, answer, eventually
from tests.runbooks.test_runbooks import move
from tools.observe import status
from tools.observe.evidence import gather
from tools.observe.trace import Verdict, diagnose, page

MOST_SECONDS: Final = 5.0
MINUTE_MS: Final = 60_000
SERVICES: Final = ("processor", "reporter")


def traced(stage: MeteredStage, request_id: str, minutes_later: int = 0) -> tuple[Verdict, str]:
    """The verdict as it would be some minutes later, and the page; within the time allowed."""
    started, now = time.monotonic(), datetime.now(UTC)
    evidence = gather(stage.account, request_id, now)
    verdict = diagnose(evidence, int(now.timestamp() * 1000) + minutes_later * MINUTE_MS)
    shown = "\n".join(page(request_id, evidence, verdict))
    assert time.monotonic() - started < MOST_SECONDS
    return verdict, shown


def until(stage: MeteredStage, request_id: str, state: str) -> str:
    """Wait until a question is in a state and nothing is missing; its page."""
    eventually(lambda: state in traced(stage, request_id)[0].state, f"{request_id} is {state}")
    return traced(stage, request_id)[1]


def test_a_question_shows_every_hop_with_its_time(stage: MeteredStage) -> None:
    request_id = stage.ask()
    eventually(partial(stage.is_reported, request_id), "it has arrived")
    eventually(lambda: "summarise" in traced(stage, request_id)[1], "it is summarised")
    verdict, shown = traced(stage, request_id, minutes_later=60)
    assert verdict == Verdict("answered: full")
    for hop in ("processor ingest", "processor relay", "reporter project", "reporter summarise"):
        [row, *_] = [row for row in shown.splitlines() if hop in row]
        assert " ms  attempt 1  " in row
    assert "revision 1, events " in shown


def test_an_event_that_is_no_event_is_rejected_with_its_reason(stage: MeteredStage) -> None:
    stage.system.send_to_queue(answer("trace-rejected", 1) | {"matchScore": 101})
    until(stage, "trace-rejected", "rejected: ")
    stage.follow("processor", "dead-letters")


def test_two_answers_that_differ_are_a_conflict(stage: MeteredStage) -> None:
    request_id = stage.ask()
    stage.system.send_to_queue(answer(request_id, int(time.time() * 1000)) | {"matchScore": 12})
    until(stage, request_id, "conflicting: 1 other")


def test_a_question_without_an_answer_is_open_then_expired(stage: MeteredStage) -> None:
    request_id = stage.ask(answered=False)
    until(stage, request_id, "open")
    until(stage, request_id, "expired")


def erase(stage: MeteredStage, what: str) -> None:
    """Erase in both services: an event that is still on its way would wait in the next test."""
    processor = stage.system.processor
    receipt = processor.delete(f"/v1/{what}").raise_for_status().json()
    address = f"/v1/erasures/{receipt['erasureId']}"
    eventually(lambda: len(processor.get(address).json()["removed"]) == len(SERVICES), "erased")


def test_a_question_of_an_erased_session_is_erased(stage: MeteredStage) -> None:
    request_id = stage.ask()
    eventually(partial(stage.is_reported, request_id), "it has arrived")
    erase(stage, f"sessions/s-{request_id[:8]}")
    until(stage, request_id, "erased")


def test_a_question_that_was_erased_by_its_id_is_erased_though_it_was_open(
    stage: MeteredStage,
) -> None:
    request_id = stage.ask(answered=False)
    until(stage, request_id, "open")
    erase(stage, f"correlations/{request_id}")
    until(stage, request_id, "erased: somebody asked")


def test_a_question_that_nobody_asked_is_unknown(stage: MeteredStage) -> None:
    verdict, _ = traced(stage, "trace-nobody")
    assert verdict.state.startswith("unknown")
    assert verdict.missing == "processor ingest"


def test_a_message_whose_attempts_ran_out_is_stuck(stage: MeteredStage) -> None:
    stage.disable_mapping("reporter-project")
    request_id = stage.ask()
    eventually(lambda: stage.depth("reporter-facts") == 1, "its event is in the facts queue")
    move(stage, "reporter-facts", "reporter-facts-dlq")
    verdict, _ = traced(stage, request_id)
    assert verdict == Verdict("stuck in facts-dlq", "facts")
    stage.follow("reporter", "queue-age")
    stage.follow("reporter", "dead-letters")
    until(stage, request_id, "answered: full")


@pytest.mark.parametrize(
    ("name", "missing", "minutes_later"),
    [
        ("processor-relay", "processor relay", 3),
        ("reporter-project", "reporter project", 3),
        ("reporter-summarise", "reporter summarise", 8),
        ("reporter-facts", "reporter project", 3),
    ],
)
def test_a_hop_that_is_disabled_is_named(
    stage: MeteredStage, name: str, missing: str, minutes_later: int
) -> None:
    if name == "reporter-facts":
        stage.disable_rule(name)
    else:
        stage.disable_mapping(name)
    try:
        request_id = stage.ask()
        eventually(partial(stage.is_recorded, request_id), "it is recorded")
        before = {"processor relay": "ingest", "reporter project": "relay"}.get(missing, "project")
        eventually(lambda: before in traced(stage, request_id)[1], "the hop before it has worked")
        assert traced(stage, request_id)[0].missing is None, "it may be on its way"
        verdict, shown = traced(stage, request_id, minutes_later)
        assert (verdict.state, verdict.missing) == ("answered: full", missing)
        assert f"missing   {missing}" in shown
        off = list(status.disabled(stage.account, datetime.now(UTC)))
        assert [line.split()[1] for line in off] == [name]
    finally:
        stage.enable(name)
