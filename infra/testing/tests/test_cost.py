"""docs/cost.md is what the templates and the counts give; a changed template or call changes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cdk_constructs.stack import REPOSITORY
from testing import cost, cost_page, prices
from testing.stacks import builders, template

BOTH = pytest.mark.skipif(
    not {"processor", "reporter"} <= set(builders()), reason="this checkout lacks a service"
)


@BOTH
def test_the_page_and_its_plot_are_those_of_today() -> None:
    assert cost_page.PAGE.read_text("utf-8") == cost_page.page(), "run `make cost`"
    assert cost_page.PLOT.read_text("utf-8") == cost_page.plot(), "run `make cost`"


@BOTH
def test_the_guide_states_the_fixed_cost_of_the_page() -> None:
    fixed = sum(item.dollars for item in cost.bill(0))
    guide = (REPOSITORY / "docs/deploy.md").read_text("utf-8")
    assert f"It costs {fixed:.2f} dollars a month and stage" in guide


@BOTH
def test_one_more_alarm_and_one_more_call_change_the_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    of: Any = copy.deepcopy(dict(template("processor", "prod")))
    before = sum(item.dollars for item in cost.fixed("processor", of))
    of["Resources"]["More"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}
    assert sum(i.dollars for i in cost.fixed("processor", of)) == pytest.approx(before + 0.10)

    counts = copy.deepcopy(cost.counted("processor"))
    usual = cost.total(cost.processor(1e6))
    counts["functions"]["ingest"]["write_units"] += 1
    monkeypatch.setattr(cost, "counted", lambda _: counts)
    assert cost.total(cost.processor(1e6)) == pytest.approx(usual + 1e6 * prices.WRITE_UNIT)


def test_an_alarm_on_an_expression_is_billed_by_its_metrics() -> None:
    stat: dict[str, Any] = {"MetricStat": {}}
    queries = [stat, stat, {"Expression": "m1 + m2"}]
    of = {
        "Resources": {
            "Plain": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
            "Math": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": queries}},
            "Both": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}},
        }
    }
    items = {item.name: item.amount for item in cost.fixed("x", of)}
    assert (items["alarms"], items["composite alarms"]) == (3, 1)


def test_only_queues_that_a_function_reads_are_polled() -> None:
    def queue(**properties: Any) -> dict[str, Any]:
        return {"Type": "AWS::SQS::Queue", "Properties": properties}

    def mapping(name: str) -> dict[str, Any]:
        source = {"Fn::GetAtt": [name, "Arn"]}
        return {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": source},
        }

    of = {
        "Resources": {
            "Read": queue(),
            "Fifo": queue(FifoQueue=True),
            "Dead": queue(),
            "M1": mapping("Read"),
            "M2": mapping("Fifo"),
        }
    }
    items = {item.name: item for item in cost.fixed("x", of)}
    # five receivers, three polls a minute each
    assert items["idle polls"].amount == 5 * 3 * 60 * 730
    assert items["idle polls"].dollars == pytest.approx(0.2628)
    assert items["idle polls of FIFO queues"].dollars == pytest.approx(0.3285)


def test_free_tiers_take_the_dearest_units_first_and_no_more_than_there_are() -> None:
    items = [
        cost.Item("cheap", "x", 8, 0.10, tier="alarms"),
        cost.Item("dear", "x", 8, 0.20, tier="alarms"),
        cost.Item("paid", "x", 1, 5.0),
    ]
    assert cost.after_free_tiers(items) == pytest.approx(6 * 0.10 + 5.0)
    assert cost.after_free_tiers([cost.Item("few", "x", 3, 0.1, tier="alarms")]) == 0


@pytest.mark.parametrize(
    ("at", "name", "expected"),
    [
        (100, "read_units", 10.0),
        (550, "read_units", 15.0),
        (10_000, "read_units", 120.0),
        (10_000, "write_units", 20.0),
        (0, "write_units", 8.888888888888889),
    ],
)
def test_units_between_counts_are_interpolated(at: float, name: str, expected: float) -> None:
    points = [(100.0, 10.0), (1_000.0, 20.0)]
    assert cost._interpolated(points, at, name) == pytest.approx(expected)


@BOTH
def test_a_fact_reads_at_most_twice_as_much_on_a_day_of_a_hundred_times_the_facts() -> None:
    """And no more than that on any larger day: a day is summarised once a window, at most."""
    few, many, most = (
        cost.summarise(a_day * cost.DAYS)["read_units"] for a_day in (330, 33_000, 100_000)
    )
    assert many <= 2 * few
    assert most == pytest.approx(many, rel=0.05)


@BOTH
def test_a_question_costs_no_more_when_there_are_a_million() -> None:
    def each(questions: int) -> float:
        return cost.total(i for i in cost.bill(questions) if not i.fixed) / questions

    assert each(1_000_000) <= 1.2 * each(30_000)
    assert cost.total(cost.bill(1_000_000)) <= 45
    assert cost_page.requests(1_000_000) <= 7.50


def test_what_comes_together_shares_what_a_batch_uses() -> None:
    """Of three units, two are the batch's and one is the record's own."""
    numbers = ("read_units", "write_units", "invocations", "log_bytes")
    alone = {**dict.fromkeys(numbers, 3.0), "calls": {"Get": 3.0}, "metrics": ["M"]}
    of_ten = {**dict.fromkeys(numbers, 1.2), "calls": {"Get": 1.2}, "metrics": ["M"]}
    used = cost.in_batches(alone, of_ten, 4)
    assert used == {
        **dict.fromkeys(numbers, pytest.approx(1.5)),
        "calls": {"Get": pytest.approx(1.5)},
        "metrics": ["M"],
    }


@BOTH
def test_a_batch_has_what_comes_within_the_window_and_no_more_than_it_may() -> None:
    a_second = cost.SECONDS
    assert cost.together("processor", "ingest", a_second) == 1  # a FIFO queue
    assert cost.together("processor", "relay", a_second / 10) == pytest.approx(2)  # ten seconds
    assert cost.together("processor", "expire", a_second) == 10  # of sixty in a minute


def test_a_message_ends_one_receivers_wait() -> None:
    assert cost._receives(0) == 0
    few, many = 1_000, 100 * cost.SECONDS
    assert cost._receives(few) == pytest.approx(few / 2, rel=0.01)
    assert cost._receives(many) == pytest.approx(many - cost.POLLS_A_MONTH)
