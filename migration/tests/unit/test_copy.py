from __future__ import annotations

from itertools import permutations

import pytest
from cv_processor.domain.correlation import Correlation, Query, Response
from cv_processor.domain.values import MatchType

from migration.kit import rows
from migration.kit.checks import Account
from migration.kit.copy import Copied, Copy, joined, unequal
from migration.kit.wrong import blind_backfill
from migration.tests.unit.two_tables import OWN, SHARED, TwoTables, answer, question

EARLY = Query(at=1, text="Python?", digest="a")
LATER = Query(at=2, text="Go?", digest="b")
ANSWER = Response(at=3, match=MatchType.FULL, score=90, digest="r")
STATES = (
    Correlation("1"),
    Correlation("1", EARLY),
    Correlation("1", EARLY, gave_up_after=5),
    Correlation("1", EARLY, ANSWER),
    Correlation("1", EARLY, ANSWER, gave_up_after=7),
    Correlation("1", None, ANSWER),
    Correlation("1", EARLY, parked=frozenset({"b"})),
    Correlation("1", LATER),
)


@pytest.mark.parametrize(("left", "right"), list(permutations(STATES, 2)))
def test_the_join_is_the_same_in_both_directions_and_needs_no_second_run(
    left: Correlation, right: Correlation
) -> None:
    both = joined(left, right)
    assert both == joined(right, left)
    assert joined(both, right) == joined(both, left) == joined(both, both) == both


@pytest.mark.parametrize("third", STATES)
def test_the_join_of_three_is_the_same_in_every_order(third: Correlation) -> None:
    for left, right in permutations(STATES, 2):
        assert joined(joined(left, right), third) == joined(left, joined(right, third))


def test_the_join_has_what_each_side_knows() -> None:
    answered, given_up = STATES[3], STATES[2]
    assert joined(answered, given_up) == Correlation("1", EARLY, ANSWER, gave_up_after=5)


@pytest.fixture
def copy(tables: TwoTables) -> Copy:
    """Ten answered questions in the shared table; the own one is new."""
    for number in range(10):
        tables.send(question(number), answer(number))
    tables.expand()
    return Copy(tables.dynamodb, SHARED, OWN)


def test_a_copy_that_crashed_half_way_goes_on_and_a_third_run_writes_nothing(
    copy: Copy, tables: TwoTables
) -> None:
    def crash(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy.run(crash)
    # The eleventh row is the layout of the table.
    assert [copy.run(), copy.run()] == [Copied(11, 6), Copied(11, 0)]
    assert tables.account(OWN) == Account(10)


def test_a_copied_row_keeps_the_end_of_its_retention(copy: Copy, tables: TwoTables) -> None:
    copy.run()
    source, target = (rows.everything(tables.dynamodb, name) for name in (SHARED, OWN))
    assert source == target


def test_a_copy_takes_conflicts_along_and_leaves_the_reporters_rows(
    copy: Copy, tables: TwoTables
) -> None:
    tables.send(question(1) | {"query": "Go?"})
    key = {"pk": {"S": "REPORT"}, "sk": {"S": "2025-W46"}}
    tables.dynamodb.put_item(TableName=SHARED, Item=key)
    copy.run()
    source, target = (set(rows.everything(tables.dynamodb, name)) for name in (SHARED, OWN))
    assert source - target == {("REPORT", "2025-W46")}
    assert any(sort_key.startswith("CONFLICT#") for _, sort_key in target)


def test_a_backfill_by_join_keeps_what_was_written_meanwhile(copy: Copy, tables: TwoTables) -> None:
    tables.send(question(11))
    tables.dynamodb.delete_item(TableName=OWN, Key=_key(11))
    tables.send(answer(11))  # the own table has only this half now
    copy.run()
    copy.inverse.run()
    assert tables.account(OWN) == tables.account(SHARED) == Account(11)


def test_a_blind_backfill_sets_back_what_was_written_meanwhile(tables: TwoTables) -> None:
    tables.expand()
    tables.send(question())
    read = [*rows.everything(tables.dynamodb, SHARED).values()]
    tables.send(answer())
    blind_backfill(tables.dynamodb, OWN, read)
    assert tables.account(SHARED) == Account(1)
    assert tables.account(OWN) == Account(1, lost=1, open=1)


def test_a_rollback_without_copying_back_loses_what_was_written_since(
    copy: Copy, tables: TwoTables
) -> None:
    copy.run()
    tables.send(question(11), answer(11))
    tables.dynamodb.delete_item(TableName=SHARED, Key=_key(11))  # as after the cut-over
    assert tables.account(SHARED) == Account(11, lost=1)
    copy.inverse.run()
    assert tables.account(SHARED) == Account(11)


def test_tables_that_differ_in_one_question_name_it(copy: Copy, tables: TwoTables) -> None:
    copy.run()
    tables.dynamodb.delete_item(TableName=OWN, Key=_key(3))
    left, right = (rows.correlations(tables.dynamodb, name) for name in (SHARED, OWN))
    assert unequal(left, right) == {"rehearsal-000003"}


def _key(number: int) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"REQ#rehearsal-{number:06}"}, "sk": {"S": "CORRELATION"}}
