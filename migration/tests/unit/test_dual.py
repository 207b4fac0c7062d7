"""Dual write: the right way, and the usual wrong ones, each with the check that detects it."""

from __future__ import annotations

import pytest

from cv_pragmatic import dual, wrong
from migration.kit.checks import Account
from migration.tests.unit.two_tables import OWN, SHARED, TwoTables, answer, question


def test_both_tables_get_every_half(tables: TwoTables) -> None:
    tables.expand()
    assert tables.send(question(), answer(), question(2)) == []
    assert tables.deadlines_pass() == 0
    assert tables.account(SHARED) == tables.account(OWN) == Account(2)


def test_what_one_table_does_not_take_comes_back_until_it_does(tables: TwoTables) -> None:
    assert tables.send(question(), answer()) == [question(), answer()]
    tables.expand()
    assert tables.send(question(), answer()) == []
    assert tables.account(SHARED) == tables.account(OWN) == Account(1)


def test_fire_and_forget_loses_what_the_second_table_did_not_take(tables: TwoTables) -> None:
    tables.handler = wrong.fire_and_forget
    assert tables.send(question(), answer()) == []
    tables.expand()
    assert tables.account(SHARED) == Account(1)
    assert tables.account(OWN) == Account(1, lost=1)


@pytest.mark.parametrize(("muted", "left_open"), [(False, 0), (True, 1)])
def test_a_question_that_reaches_its_table_late_needs_a_deadline_of_that_run(
    tables: TwoTables, muted: bool, left_open: int
) -> None:
    if muted:
        tables.handler = wrong.muted_deadlines
    assert tables.send(question()) == [question()]
    assert tables.deadlines_pass() == 1  # it closes the one that is there; the other fails
    tables.expand()
    assert tables.send(question()) == []
    assert tables.deadlines_pass() == 0
    assert tables.account(OWN) == Account(1, open=left_open)


def test_a_question_whose_deadline_is_not_sent_comes_back(tables: TwoTables) -> None:
    tables.expand()
    tables.sqs.delete_queue(QueueUrl=tables.deadlines)
    assert tables.send(question(), question(2), answer(2)) == [question()]


def test_a_deadline_that_cannot_be_read_comes_back(tables: TwoTables) -> None:
    answer = dual.close({"Records": [{"messageId": "1", "body": "{}"}]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_message_that_no_table_can_take_is_rejected_and_does_not_come_back(
    tables: TwoTables,
) -> None:
    tables.expand()
    assert tables.handler({"Records": [{"messageId": "1", "body": "{}"}]}, None) == {
        "batchItemFailures": []
    }
