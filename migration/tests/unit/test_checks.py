from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from cv_processor.domain.correlation import Correlation, Query, Response
from cv_processor.domain.values import MatchType

from migration.kit import checks
from migration.kit.checks import Account, account
from migration.kit.traffic import Entry, Journal, expected

QUERY = Query(at=1, text="Python?", digest="q")
RESPONSE = Response(at=2, match=MatchType.FULL, score=90, digest="r")
ANSWERED = Correlation("a", QUERY, RESPONSE)
UNANSWERED = Correlation("a", QUERY, gave_up_after=5_000)
SENT = Correlation("a", QUERY)


@pytest.mark.parametrize(
    ("sent", "row", "result"),
    [
        (ANSWERED, ANSWERED, Account(1)),
        (ANSWERED, replace(ANSWERED, gave_up_after=5_000), Account(1)),
        (SENT, UNANSWERED, Account(1)),
        (SENT, SENT, Account(1, open=1)),
        (ANSWERED, UNANSWERED, Account(1, lost=1)),
        (ANSWERED, None, Account(1, lost=1)),
        (ANSWERED, replace(ANSWERED, query=replace(QUERY, text="Go?")), Account(1, different=1)),
        (ANSWERED, replace(ANSWERED, parked=frozenset({"x"})), Account(1, different=1)),
    ],
)
def test_a_row_against_what_was_sent(
    sent: Correlation, row: Correlation | None, result: Account
) -> None:
    assert account({"a": sent}, {"a": row} if row else {}, {"a"}) == result


def test_a_row_that_nobody_sent_is_extra() -> None:
    assert account({}, {"a": ANSWERED}, set()) == Account(0, extra=1)


def test_a_question_that_may_get_further_events_is_not_compared_and_not_extra() -> None:
    assert account({}, {"a": SENT}, {"a"}) == Account(0)


def asked(number: int, at: int) -> Entry:
    """A question without an answer, sent then (ms)."""
    event = {
        "eventType": "query",
        "requestId": f"rehearsal-{number:06}",
        "timestamp": 1_763_000_000_000,
        "sessionId": "s",
        "query": "Python?",
    }
    return Entry(at, event)


def test_an_account_that_never_holds_is_returned_when_patience_ends(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.add(asked(1, 0))
    found = checks.watch(journal, dict, 0, patience=0)
    assert found == Account(1, lost=1)
    assert not found.holds


def test_what_was_asked_after_the_moment_is_not_waited_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    now_ms = int(time.time() * 1_000)
    journal.add(asked(1, 0))
    journal.add(asked(2, now_ms))
    closed = replace(expected(journal.entries())["rehearsal-000001"], gave_up_after=5_000)
    found = checks.watch(journal, lambda: {"rehearsal-000001": closed}, 0, patience=60)
    assert found == Account(1)
    assert time.time() * 1_000 - now_ms < 1_000
