"""The day digest: the protocol between the Processor's day resource and reconciliation."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from cv_contracts.digest import day_digest

PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=20), st.integers(1, 99)), max_size=20)


def test_an_empty_day_is_all_zeros() -> None:
    assert day_digest([]) == "0" * 64


def test_one_pair_is_the_hash_of_its_text() -> None:
    assert day_digest([("q-1", 3)]) == sha256(b"q-1#3").hexdigest()


def test_a_pinned_day_keeps_its_digest_for_ever() -> None:
    pinned = "fb1c25f36085e6caec4dcdb234b21f9dd3f3595a58df859e83ebd11d1f5c4fc6"
    assert day_digest([("q-1", 1), ("q-2", 2)]) == pinned


@given(PAIRS, st.data())
def test_order_does_not_matter(pairs: list[tuple[str, int]], data: st.DataObject) -> None:
    assert day_digest(data.draw(st.permutations(pairs))) == day_digest(pairs)


@given(PAIRS)
def test_a_pair_listed_twice_changes_the_digest(pairs: list[tuple[str, int]]) -> None:
    assert day_digest([*pairs, ("twice", 1), ("twice", 1)]) != day_digest(pairs)


def test_a_higher_revision_changes_the_digest() -> None:
    assert day_digest([("q-1", 1)]) != day_digest([("q-1", 2)])
