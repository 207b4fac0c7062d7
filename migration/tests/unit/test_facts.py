"""The replica and the account of facts, on rows that the Processor's own code wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cv_processor.domain.correlation import Correlation
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.table import Table
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.domain.fact import Fact, Placement

from cv_pragmatic.facts import Facts
from cv_pragmatic.replica import fact_of
from migration.kit import rows
from migration.kit.copy import move_rows
from migration.kit.traffic import Entry, expected, planned
from migration.phases.checks import fact_account
from migration.tests.unit.two_tables import create_table

AT = 1_763_000_000_000
ZONE = Placement("Europe/London")


def correlations(count: int) -> dict[str, Correlation]:
    events = [one.event for number in range(count) for one in planned(number, AT)]
    return expected(Entry(AT, event) for event in events)


def facts(found: dict[str, Correlation]) -> list[Fact]:
    made = (fact_of(row, AudienceRules()) for row in found.values())
    return [fact for fact in made if fact is not None]


def test_closed_rows_are_facts_and_open_ones_are_none() -> None:
    found = correlations(20)
    closed = {id_ for id_, row in found.items() if row.closed}
    assert {fact.request_id for fact in facts(found)} == closed
    assert 0 < len(closed) < len(found)


def test_facts_that_are_what_the_rows_say_hold() -> None:
    found = correlations(20)
    account = fact_account(found, facts(found), set(found))
    assert account.holds
    assert account.compared == len(facts(found))


def test_each_kind_of_wrong_fact_has_a_count_of_its_own() -> None:
    found = correlations(20)
    first, second, *others = facts(found)
    stale = replace(second, revision=second.revision + 1)
    stranger = replace(second, request_id="nobody's")
    account = fact_account(found, [stale, stranger, *others, others[0]], set(found))
    wrong = (account.missing, account.stale, account.extra, account.doubled)
    assert (first.request_id in found, wrong) == (True, (1, 1, 1, 1))
    assert not account.holds


def test_an_account_of_no_question_does_not_hold() -> None:
    assert not fact_account({}, [], set()).holds


@pytest.fixture
def dynamodb(tables: Any) -> Any:
    return tables.dynamodb


def test_facts_are_read_by_their_days(dynamodb: Any) -> None:
    create_table(dynamodb, "facts")
    table = Table(dynamodb, "facts")
    store = DynamoFactStore(table, ZONE)
    made = facts(correlations(5))
    assert store.record(made) == [None] * len(made)
    source = Facts(store, table, ZONE)
    first = min(ZONE.day(fact) for fact in made)
    assert source.first_day() == first
    assert {fact.request_id for fact in source.between(first, max(map(ZONE.day, made)))} == {
        fact.request_id for fact in made
    }
    assert list(source.between(date(2020, 1, 1), date(2020, 1, 2))) == []


def test_a_service_s_rows_move_and_the_others_stay(dynamodb: Any) -> None:
    for name in ("from", "to"):
        create_table(dynamodb, name)
    for pk in ("SEND#2025-W46", "REPORT", "REQ#1"):
        dynamodb.put_item(TableName="from", Item={"pk": {"S": pk}, "sk": {"S": "x"}})
    assert move_rows(dynamodb, "from", "to", "reporter") == 2
    assert {key[0] for key in rows.everything(dynamodb, "from")} == {"REQ#1"}
    assert {key[0] for key in rows.everything(dynamodb, "to")} == {"REPORT", "SEND#2025-W46"}
    assert move_rows(dynamodb, "from", "to", "reporter") == 0
