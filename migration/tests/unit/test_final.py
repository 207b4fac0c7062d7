"""What the final accounts and the common checks compute, on files and a mailbox of the tests."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from migration.kit.traffic import Entry, Journal
from migration.phases import final
from migration.phases.checks import SECOND_MAILS, independent, lines_of, mailed_twice, until

AT = 1_763_000_000_000


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """Two questions and an answer of one sender, a question of the other."""
    journal = Journal(tmp_path / "journal.jsonl")
    for kind, name in (("query", "a"), ("response", "a"), ("query", "b")):
        journal.add(Entry(AT, {"eventType": kind, "requestId": name, "timestamp": AT}))
    line = json.dumps({"eventType": "query", "requestId": "c", "timestamp": AT + 1})
    (tmp_path / "independent.jsonl").write_text(line + "\n" + '{"requestId"', "utf-8")
    mails = [_mail("W1: a", "owner"), _mail("W1: b", "owner"), _mail("W2: a", "owner")]
    account = SimpleNamespace(mails=lambda: mails)
    kept: dict[str, Any] = {"sample-weeks": ["W1", "W2"]}
    return SimpleNamespace(
        home=tmp_path,
        journal=journal,
        account=account,
        kept=kept.get,
        keep=kept.__setitem__,
        has_kept=kept.__contains__,
    )


def _mail(subject: str, recipient: str) -> dict[str, Any]:
    return {"Subject": subject, "To": [recipient]}


def test_a_line_that_is_being_written_is_no_question_yet(context: Any) -> None:
    assert independent(context) == {"c"}


def test_what_both_senders_asked(context: Any) -> None:
    path = context.home / "independent.jsonl"
    path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    expected = {"a": ("sender", AT), "b": ("sender", AT), "c": ("independent", AT + 1)}
    assert final.asked(context) == expected


def test_a_moment_is_in_the_owner_s_week() -> None:
    sunday_2330_in_london = 1_750_026_600_000  # 2025-06-15T22:30Z
    assert final.week_of(sunday_2330_in_london) == "2025-W24"
    assert final.week_of(sunday_2330_in_london + 3_600_000) == "2025-W25"


def test_a_second_mail_of_a_week_counts(context: Any) -> None:
    assert mailed_twice(context) == 1


def test_a_second_mail_that_a_control_caused_does_not_count(context: Any) -> None:
    context.keep(SECOND_MAILS, 1)
    assert mailed_twice(context) == 0
    assert final.mailed(context).holds


def test_a_week_that_was_mailed_twice_does_not_hold_in_the_end(context: Any) -> None:
    assert not final.mailed(context).holds
    context.account.mails = lambda: [_mail("W1: a", "owner"), _mail("W2: a", "owner")]
    assert final.mailed(context).holds
    context.account.mails = lambda: [_mail("W1: a", "owner")]
    assert not final.mailed(context).holds


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "none") == 0


def test_a_claim_that_never_comes_true_is_given_up() -> None:
    assert until(lambda: True)
    assert not until(lambda: False, patience=0.0)
