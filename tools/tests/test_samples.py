from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tools.demo import samples
from tools.paths import SAMPLE_DATA

LONDON = ZoneInfo("Europe/London")
EVENTS = samples.load(SAMPLE_DATA)
NOWS = {
    "a winter Sunday": datetime(2026, 11, 22, 13, tzinfo=UTC),
    "a summer Wednesday": datetime(2026, 7, 1, tzinfo=UTC),
    "the week after the clocks went forward": datetime(2026, 4, 1, tzinfo=UTC),
    "the week after the clocks went back": datetime(2026, 10, 28, tzinfo=UTC),
    "the first week of a year": datetime(2027, 1, 5, tzinfo=UTC),
}


@pytest.mark.parametrize("now", NOWS.values(), ids=NOWS)
def test_the_sample_falls_into_the_two_last_complete_weeks(now: datetime) -> None:
    plan = samples.plan(EVENTS, now, LONDON)
    asked = {
        event["requestId"]: datetime.fromtimestamp(event["timestamp"] / 1000, LONDON).date()
        for event in plan.by_queue + plan.by_api
        if event["eventType"] == "query"
    }
    weeks = Counter(samples.iso_week(day) for day in asked.values())
    assert weeks == {plan.first_week: 12, plan.second_week: 28}
    assert plan.second_week < samples.iso_week(now.astimezone(LONDON).date())


def test_every_tenth_event_comes_twice_and_some_answers_come_first() -> None:
    plan = samples.plan(EVENTS, NOWS["a winter Sunday"], LONDON)
    assert plan.sent - len(EVENTS) == plan.repeats == 9
    assert plan.overtaken > 5


def test_the_same_week_is_sent_in_the_same_way() -> None:
    sunday = NOWS["a winter Sunday"]
    assert samples.plan(EVENTS, sunday, LONDON) == samples.plan(
        EVENTS, sunday.replace(hour=20), LONDON
    )


def test_another_week_asks_other_questions() -> None:
    now, later = (samples.move(EVENTS, weeks, LONDON) for weeks in (3, 4))
    assert not {event["requestId"] for event in now} & {event["requestId"] for event in later}


def test_moving_keeps_the_wall_clock_and_the_distance_of_a_pair() -> None:
    summer = samples.move(EVENTS, -20, LONDON)
    for before, after in zip(EVENTS, summer, strict=True):
        if before["eventType"] == "query":
            hours = [
                datetime.fromtimestamp(event["timestamp"] / 1000, LONDON).timetz().hour
                for event in (before, after)
            ]
            assert hours[0] == hours[1]
    assert _latencies(summer) == _latencies(EVENTS)


def _latencies(events: list[samples.Event]) -> list[int]:
    asked = {e["requestId"]: e["timestamp"] for e in events if e["eventType"] == "query"}
    return [
        event["timestamp"] - asked[event["requestId"]]
        for event in events
        if event["eventType"] == "response"
    ]
