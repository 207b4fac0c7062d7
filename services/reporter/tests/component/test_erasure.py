"""Erasure and retention reach every copy of a text: rows, day summaries and kept reports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cv_contracts.events import SessionErasureCompleted

from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.report_store import DynamoReportStore
from cv_reporter.adapters.summary_store import DynamoSummaryStore
from cv_reporter.application.ports import Partition
from cv_reporter.application.quotes import ContendedError
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.fact import FactKey
from cv_reporter.entrypoints import project, summarise
from tests.component.world import World, pk, sqs_record
from tests.sample import completed, erased, question_erased

WEEK = Week(2025, 46)
MONDAY_NIGHT = 1_762_818_300_000
"""2025-11-10 23:45 UTC: a summary keeps such a question as an edge of its day, too."""
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def asked(request_id: str, session_id: str, text: str, **changes: Any) -> dict[str, Any]:
    """A question that nothing answered, so that reports quote it."""
    return {
        "requestId": request_id,
        "revision": 1,
        "outcome": "no_response",
        "askedAt": MONDAY_NIGHT,
        "sessionId": session_id,
        "question": text,
        "client": "browser",
        **changes,
    }


FIRST = asked("q-1", "s-first", "where may we see zebras")
SECOND = asked("q-2", "s-second", "would you tune violins", askedAt=MONDAY_NIGHT + 1_000)


def erase(world: World, session_id: str) -> None:
    event = {"Records": [sqs_record(0, erased(session_id))]}
    assert project.handler(event, None) == {"batchItemFailures": []}
    world.pump()


def expirations(world: World) -> list[dict[str, Any]]:
    """The latest removals, as if time to live had made them."""
    removed = (record for record in world.changes() if record["eventName"] == "REMOVE")
    return [record | {"userIdentity": TTL} for record in removed]


def expire(world: World, *documents: dict[str, Any]) -> None:
    """Time to live removes these questions' rows, and the stream says so."""
    for document in documents:
        (row,) = [at for at in world.facts() if at[1].endswith(f"#{document['requestId']}")]
        services().table.delete(*row)
    records = expirations(world)
    assert summarise.handler({"Records": records}, None) == {"batchItemFailures": []}


def stored_text(world: World) -> str:
    """Everything in the table, each item with its key."""
    return json.dumps(list(world.items().values()), ensure_ascii=False).casefold()


def words(document: dict[str, Any]) -> str:
    """What no copy of a text lacks, however normalised."""
    return str(document["question"]).split()[-1]


@pytest.fixture
def reported(world: World) -> World:
    """Two sessions' questions, in facts, a day summary, a kept report and a mailed version."""
    assert world.deliver([completed(FIRST), completed(SECOND)]) == []
    world.pump()
    services().publisher.send(services().report_builder.preview(WEEK))
    copies = {at[0].partition("#")[0] for at, item in world.items().items() if quotes(item)}
    assert copies == {"DAY", "SUMMARY", "REPORT", "LETTER"}
    return world


def quotes(item: dict[str, Any]) -> bool:
    return words(FIRST) in json.dumps(item)


def test_a_text_whose_fact_expired_is_in_no_item_and_its_count_stays(reported: World) -> None:
    expire(reported, FIRST, SECOND)
    assert words(FIRST) not in stored_text(reported)
    assert words(SECOND) not in stored_text(reported)
    assert "q-1" not in stored_text(reported)
    assert services().report_builder.preview(WEEK).totals.questions == 2


def test_an_erasure_after_the_facts_expired_leaves_no_text(reported: World) -> None:
    expire(reported, FIRST)
    erase(reported, FIRST["sessionId"])
    assert words(FIRST) not in stored_text(reported)


def test_an_expired_fact_takes_no_quote_of_another_from_the_report(reported: World) -> None:
    expire(reported, FIRST)
    report = services().report_store.get(str(WEEK))
    assert report is not None
    assert words(SECOND) in report.body
    assert words(FIRST) not in report.body


def test_an_erasure_takes_the_sessions_texts_and_no_others(reported: World) -> None:
    erase(reported, FIRST["sessionId"])
    assert words(FIRST) not in stored_text(reported)
    assert words(SECOND) in stored_text(reported)


CORRECTED = asked("q-1", "s-other", "may we borrow kettles", revision=2)


def test_a_question_that_another_session_asked_first_is_no_longer_quoted(
    reported: World,
) -> None:
    assert reported.deliver([completed(CORRECTED)]) == []
    reported.pump()
    assert words(FIRST) not in stored_text(reported)
    erase(reported, FIRST["sessionId"])
    assert words(CORRECTED) in stored_text(reported)
    erase(reported, CORRECTED["sessionId"])
    assert words(CORRECTED) not in stored_text(reported)


def test_an_erasure_by_an_index_that_lags_leaves_another_sessions_row(
    reported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reported.deliver([completed(CORRECTED)]) == []
    row = FactKey("DAY#2025-11-10#0", f"{MONDAY_NIGHT}#q-1")
    monkeypatch.setattr(DynamoFactStore, "of_session", lambda *_: [row])
    erase(reported, FIRST["sessionId"])
    monkeypatch.undo()
    assert words(CORRECTED) in stored_text(reported)
    locators = [at for at in reported.items() if at[0].startswith("LOCATOR#")]
    assert locators == [("LOCATOR#q-1", "LOCATOR")]


def test_a_row_of_an_erased_session_that_another_took_over_is_left_by_the_guard(
    world: World,
) -> None:
    erase(world, FIRST["sessionId"])
    assert world.deliver([completed(FIRST)]) == []
    written = {"Records": [each for each in world.changes() if pk(each).startswith("DAY#")]}
    assert world.deliver([completed(CORRECTED)]) == []
    assert summarise.handler(written, None) == {"batchItemFailures": []}
    world.pump()
    assert words(CORRECTED) in stored_text(world)
    assert words(FIRST) not in stored_text(world)


def test_two_removals_from_one_report_at_once_lose_neither(
    reported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DynamoReportStore.replace

    def late(store: DynamoReportStore, report: Any, seen: str) -> bool:
        monkeypatch.setattr(DynamoReportStore, "replace", real)
        services().current.quotes.remove_from_report(str(WEEK), {"q-2"})
        return real(store, report, seen)

    monkeypatch.setattr(DynamoReportStore, "replace", late)
    services().current.quotes.remove_from_report(str(WEEK), {"q-1"})
    report = services().report_store.get(str(WEEK))
    assert report is not None
    assert words(FIRST) not in report.body
    assert words(SECOND) not in report.body


def test_a_report_that_others_keep_writing_is_an_error_that_is_tried_again(
    reported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DynamoReportStore, "replace", lambda *_: False)
    with pytest.raises(ContendedError, match="report of 2025-W46"):
        services().current.quotes.remove_from_report(str(WEEK), {"q-1"})


def test_a_summary_that_others_keep_writing_is_an_error_that_is_tried_again(
    reported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DynamoSummaryStore, "put", lambda *_: False)
    with pytest.raises(ContendedError, match="summary of 2025-11-10"):
        services().current.quotes.remove_from_summary(Partition(WEEK.first, 0))


@pytest.mark.parametrize("step", ["remove_from_summary", "remove_from_report_of"])
def test_a_record_whose_quotes_could_not_be_removed_comes_again(
    reported: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise ContendedError("somebody else")

    monkeypatch.setattr(type(services().current.quotes), step, fail)
    services().table.delete("DAY#2025-11-10#0", f"{MONDAY_NIGHT}#q-1")
    with pytest.raises(ContendedError):
        summarise.handler({"Records": expirations(reported)}, None)


def erase_question(world: World, request_id: str, *times: int) -> int:
    """Erase a question; returns the count that the Reporter announces."""
    event = {"Records": [sqs_record(0, question_erased(request_id, times))]}
    assert project.handler(event, None) == {"batchItemFailures": []}
    world.pump()
    announced = world.items()["OUTBOX#e2", SessionErasureCompleted.DETAIL_TYPE]
    return int(json.loads(announced["detail"]["S"])["data"]["facts"])


def test_an_erased_question_is_in_no_item_and_others_stay(reported: World) -> None:
    assert erase_question(reported, "q-1", FIRST["askedAt"]) == 1
    assert words(FIRST) not in stored_text(reported)
    assert '"q-1"' not in stored_text(reported)
    assert words(SECOND) in stored_text(reported)
    assert services().report_builder.preview(WEEK).totals.questions == 1


ANONYMOUS_QUESTION = asked("q-3", "anonymous", "do you breed otters")


def test_a_question_of_an_anonymous_visitor_is_erased(reported: World) -> None:
    assert reported.deliver([completed(ANONYMOUS_QUESTION)]) == []
    reported.pump()
    assert erase_question(reported, "q-3", MONDAY_NIGHT) == 1
    assert words(ANONYMOUS_QUESTION) not in stored_text(reported)
    assert words(FIRST) in stored_text(reported)


def test_a_question_is_found_by_any_of_its_times_of_asking(reported: World) -> None:
    moved = FIRST | {"revision": 2, "askedAt": MONDAY_NIGHT + 3_600_000}
    assert reported.deliver([completed(moved)]) == []
    reported.pump()
    assert erase_question(reported, "q-1", MONDAY_NIGHT, moved["askedAt"]) == 1
    assert words(FIRST) not in stored_text(reported)
    assert not [at for at in reported.items() if at[0].startswith("LOCATOR#")]


@pytest.mark.parametrize("late", [FIRST, CORRECTED, ANONYMOUS_QUESTION | {"requestId": "q-1"}])
def test_what_comes_later_of_an_erased_question_is_removed_whichever_session_it_names(
    reported: World, late: dict[str, Any]
) -> None:
    erase_question(reported, "q-1", MONDAY_NIGHT)
    assert reported.deliver([completed(late)]) == []
    reported.pump()
    assert words(late) not in stored_text(reported)
    assert "q-1" not in {at[1].partition("#")[2] for at in reported.facts()}


def test_a_question_whose_fact_expired_is_quoted_nowhere_after_its_erasure(
    reported: World,
) -> None:
    expire(reported, FIRST)
    assert erase_question(reported, "q-1", MONDAY_NIGHT) == 0
    assert words(FIRST) not in stored_text(reported)


def test_erasing_a_question_that_is_not_known_counts_none(reported: World) -> None:
    assert erase_question(reported, "q-9", MONDAY_NIGHT) == 0
    assert words(FIRST) in stored_text(reported)


def test_erasing_a_question_again_announces_the_same_count(reported: World) -> None:
    assert erase_question(reported, "q-1", MONDAY_NIGHT) == 1
    services().table.delete("OUTBOX#e2", SessionErasureCompleted.DETAIL_TYPE)
    assert erase_question(reported, "q-1", MONDAY_NIGHT) == 1
