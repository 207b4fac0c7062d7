"""The rules of correlation: order does not matter, repetition does not matter."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cv_processor.domain.correlation import (
    MAX_DISPLACED,
    MAX_PARKED,
    Correlation,
    Half,
    Query,
    Response,
    give_up,
    left_out,
    merge,
    merge_all,
    newly_parked,
)
from cv_processor.domain.days import REVISION_ROOM
from cv_processor.domain.values import MatchType, Outcome

ASKED = 1_762_161_120_037
GRACE = 900_000

UNKNOWN = Correlation("q-1")
QUESTION = Query(at=ASKED, text="Any Rust?", digest="q", session_id="s01")
OTHER_QUESTION = Query(at=ASKED + 5, text="Any Go?", digest="p", session_id="s01")
ANSWER = Response(at=ASKED + 1_700, match=MatchType.NONE, score=36, digest="r")
OTHER_ANSWER = Response(at=ASKED + 1_900, match=MatchType.FULL, score=90, digest="s")

ALL_FOUR: list[Half] = [QUESTION, OTHER_QUESTION, ANSWER, OTHER_ANSWER]
HALVES: st.SearchStrategy[Half] = st.one_of(
    st.builds(
        Query,
        at=st.integers(ASKED, ASKED + 2),
        text=st.just("?"),
        digest=st.sampled_from("abc"),
    ),
    st.builds(
        Response,
        at=st.integers(ASKED, ASKED + 2),
        match=st.just(MatchType.FULL),
        score=st.just(80),
        digest=st.sampled_from("xyz"),
    ),
)


def distinct(halves: list[Half]) -> list[Half]:
    """A content hash covers the time too, so equal hashes are equal halves."""
    return list({half.digest: half for half in halves}.values())


def test_a_question_and_its_answer_close_at_revision_1() -> None:
    pair = merge_all(UNKNOWN, [QUESTION, ANSWER])
    assert (pair.closed, pair.revision, pair.outcome) == (True, 1, Outcome.NONE)


def test_the_answer_first_gives_the_same() -> None:
    assert merge_all(UNKNOWN, [ANSWER, QUESTION]) == merge_all(UNKNOWN, [QUESTION, ANSWER])


def test_an_answer_without_its_question_stays_open() -> None:
    orphan = merge(UNKNOWN, ANSWER)
    assert (orphan.closed, orphan.revision) == (False, 0)


def test_the_same_half_again_changes_nothing() -> None:
    once = merge_all(UNKNOWN, [QUESTION, ANSWER])
    assert merge_all(once, [ANSWER, QUESTION, ANSWER]) == once


def test_the_outcome_is_as_sent_not_by_the_score() -> None:
    rounded = Response(at=ASKED, match=MatchType.PARTIAL, score=100, digest="t")
    assert merge_all(UNKNOWN, [QUESTION, rounded]).outcome is Outcome.PARTIAL


@pytest.mark.parametrize(
    "order", list(permutations([QUESTION, OTHER_QUESTION, ANSWER, OTHER_ANSWER]))
)
def test_of_two_contents_the_earlier_stands_whatever_came_first(order: tuple[Half, ...]) -> None:
    merged = merge_all(UNKNOWN, order)
    assert (merged.query, merged.response) == (QUESTION, ANSWER)
    assert (merged.parked, merged.revision) == (frozenset("ps"), 3)


def test_at_the_same_time_the_smaller_hash_stands() -> None:
    twin = Query(at=ASKED, text="Any Ruby?", digest="a", session_id="s01")
    assert merge_all(UNKNOWN, [QUESTION, twin]).query == twin


def test_a_parked_half_that_comes_again_changes_nothing() -> None:
    settled = merge_all(UNKNOWN, [QUESTION, ANSWER, OTHER_ANSWER])
    assert merge(settled, OTHER_ANSWER) == settled


def test_the_displaced_half_is_the_one_to_park() -> None:
    before = merge(UNKNOWN, OTHER_QUESTION)
    after = merge(before, QUESTION)
    assert newly_parked(before, after, [QUESTION]) == (OTHER_QUESTION,)


def versions(number: int, *, first: int = ASKED, step: int = 1) -> list[Half]:
    """So many texts of one question, `step` milliseconds apart."""
    return [Query(at=first + n * step, text="?", digest=f"{n:04d}") for n in range(number)]


def test_beyond_the_limit_a_half_that_loses_is_left_out_and_the_answer_stands() -> None:
    many = versions(MAX_PARKED + 3)
    merged = merge_all(UNKNOWN, [*many, ANSWER])
    assert (merged.query, merged.response) == (many[0], ANSWER)
    assert left_out(merged, [*many, ANSWER]) == tuple(many[-2:])
    assert merge_all(merged, many[-2:]) == merged


def test_beyond_the_limit_the_earliest_text_displaces_the_one_that_stands() -> None:
    full = merge_all(UNKNOWN, versions(MAX_PARKED + 1))
    early = Query(at=ASKED - 1, text="Any Go?", digest="e")
    merged = merge(full, early)
    assert (merged.query, left_out(merged, [early])) == (early, ())
    assert merged.revision == full.revision + 1 or not merged.closed
    assert newly_parked(full, merged, [early]) == (full.query,)


def test_a_revision_never_outgrows_its_room_in_the_day_index() -> None:
    state = merge(UNKNOWN, ANSWER)
    for half in versions(REVISION_ROOM + 100, step=-1):
        state = merge(state, half)
    assert len(state.parked) == MAX_DISPLACED
    assert give_up(state, GRACE).revision < REVISION_ROOM


MANY = st.lists(
    st.one_of(
        st.builds(Query, at=st.integers(ASKED, ASKED + 50), text=st.just("?"), digest=st.uuids()),
        st.builds(
            Response,
            at=st.integers(ASKED, ASKED + 50),
            match=st.just(MatchType.FULL),
            score=st.just(80),
            digest=st.uuids(),
        ),
    ),
    min_size=MAX_PARKED,
    max_size=3 * MAX_PARKED,
)


@given(MANY, st.randoms(use_true_random=False), st.integers(1, 10))
def test_beyond_the_limit_the_same_halves_stand_in_every_order_and_batch(
    halves: list[Half], random: Random, batch: int
) -> None:
    shuffled = random.sample(halves, len(halves))
    state = UNKNOWN
    for start in range(0, len(shuffled), batch):
        before, state = state, merge_all(state, shuffled[start : start + batch])
        assert state == before or state.version > before.version
        lost = left_out(state, shuffled[start : start + batch])
        assert not lost or len(state.parked) >= MAX_PARKED
    earliest = sorted(halves, key=lambda half: (half.at, half.digest))
    assert state.query == next((half for half in earliest if isinstance(half, Query)), None)
    assert state.response == next((h for h in earliest if isinstance(h, Response)), None)


def test_without_an_answer_the_question_closes_as_no_response() -> None:
    closed = give_up(merge(UNKNOWN, QUESTION), GRACE)
    assert (closed.outcome, closed.revision) == (Outcome.NO_RESPONSE, 1)
    assert closed.concluded_at == ASKED + GRACE


def test_a_late_answer_corrects_no_response_with_a_higher_revision() -> None:
    late = merge(give_up(merge(UNKNOWN, QUESTION), GRACE), ANSWER)
    assert (late.outcome, late.revision, late.concluded_at) == (Outcome.NONE, 2, ANSWER.at)


def test_giving_up_an_answered_question_changes_nothing() -> None:
    answered = merge_all(UNKNOWN, [QUESTION, ANSWER])
    assert give_up(answered, GRACE) == answered
    assert give_up(merge(UNKNOWN, ANSWER), GRACE) == merge(UNKNOWN, ANSWER)


def test_an_answer_dated_before_its_question_is_flagged() -> None:
    early = Response(at=ASKED - 1, match=MatchType.FULL, score=90, digest="e")
    assert merge_all(UNKNOWN, [QUESTION, early]).clock_skewed


def test_the_session_is_the_querys_else_the_responses_else_anonymous() -> None:
    assert merge(UNKNOWN, QUESTION).session_id == "s01"
    assert merge(UNKNOWN, ANSWER).session_id == "anonymous"
    named = Response(at=ASKED, match=MatchType.FULL, score=1, digest="n", session_id="s02")
    assert merge(UNKNOWN, named).session_id == "s02"


@given(st.lists(HALVES, max_size=8), st.data())
def test_any_order_and_repetition_ends_in_the_same_state(
    halves: list[Half], data: st.DataObject
) -> None:
    halves = distinct(halves)
    repeats = st.lists(st.sampled_from(halves), max_size=6) if halves else st.just(halves)
    shuffled = data.draw(st.permutations(halves + data.draw(repeats)))
    assert merge_all(UNKNOWN, shuffled) == merge_all(UNKNOWN, halves)


@given(st.lists(HALVES, max_size=8))
def test_every_change_of_a_closed_correlation_raises_its_revision(halves: list[Half]) -> None:
    state = UNKNOWN
    for half in distinct(halves):
        after = merge(state, half)
        assert after == state or not state.closed or after.revision > state.revision
        state = after
