"""docs/scale.md is computed from today's settings, templates and counts."""

from __future__ import annotations

import json

import pytest

from testing import cost, scale
from testing.stacks import builders

pytestmark = pytest.mark.skipif(
    not {"processor", "reporter"} <= set(builders()), reason="this checkout lacks a service"
)


def test_the_page_is_that_of_today() -> None:
    assert scale.PAGE.read_text("utf-8") == scale.page(), "run `make cost`"


def test_a_thousand_and_a_million_questions_reach_no_limit() -> None:
    assert [limit.name for limit in scale.limits() if not limit.holds_at(1_000_000)] == []
    assert [limit.name for limit in scale.limits() if not limit.holds_at(100_000_000)]


@pytest.mark.parametrize(("a_day", "month"), [(True, 730 / 24 * 5), (False, 730 * 3_600 * 5 / 10)])
def test_a_limit_is_first_reached_at_its_month(a_day: bool, month: float) -> None:
    limit = scale.Limit("x", 5, "source", "change", a_day=a_day)
    assert limit.month == pytest.approx(month)
    assert limit.holds_at(month * 0.99)
    assert not limit.holds_at(month * 1.01)


def test_a_counted_day_reads_what_was_computed_from_small_days() -> None:
    day = json.loads((cost.COUNTED / "day.json").read_text("utf-8"))
    computed = cost.summarise(day["facts"] * 2 * cost.DAYS)["read_units"]
    assert computed == pytest.approx(day["used"]["read_units"], rel=0.05)


def test_ten_large_days_use_what_was_computed_from_small_days() -> None:
    """And the last of them no more than the first, though a million facts are kept by then."""
    ten = json.loads((cost.COUNTED / "ten-days.json").read_text("utf-8"))
    first, last = (ten[window]["read_units"] for window in ("first", "last"))
    computed = cost.summarise(ten["a_day"] * cost.DAYS)["read_units"]
    assert computed == pytest.approx(first, rel=0.05)
    assert last == pytest.approx(first, rel=0.01)
    night = cost.night_read_units() * ten["a_day"]
    # the counted days have longer ids
    assert night == pytest.approx(ten["night"]["read_units"], rel=0.1)
