"""From the ingest queue to the bus: every order, repetition, lateness."""

from __future__ import annotations

import json
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from cv_contracts.digest import day_digest
from cv_contracts.events import CorrelationCompleted

from cv_processor.application.queries import read_day
from cv_processor.bootstrap import services
from cv_processor.domain.days import Layout
from cv_processor.entrypoints import relay
from tests.component.world import World
from tests.events import ASKED, query, response, sample
from tests.sizes import item_size

DONE: dict[str, list[Any]] = {"batchItemFailures": []}

OTHER_QUERY = query(query="Any Go?", timestamp=ASKED + 3)
OTHER_RESPONSE = response(matchType="full", matchScore=88, timestamp=ASKED + 2_500)


def outcome(world: World) -> tuple[str, int]:
    correlation = world.correlations()["q-1"]
    return str(correlation.outcome), correlation.revision


def test_a_question_and_its_answer_become_one_event(world: World) -> None:
    assert world.ingest(query()) == DONE
    assert world.ingest(response()) == DONE
    world.relay()
    (event,) = world.published()
    data = CorrelationCompleted.read(event).data
    assert (data.outcome, data.revision, data.match_score) == ("partial", 1, 57)
    assert [skill.name for skill in data.skills] == ["Kubernetes"]


def test_both_halves_in_one_batch_are_written_once(world: World) -> None:
    world.ingest(query(), response())
    assert len(world.changes()) == 1
    assert outcome(world) == ("partial", 1)


def test_a_response_that_overtakes_its_query_waits_for_it(world: World) -> None:
    world.ingest(response())
    world.relay()
    assert world.published() == []
    world.ingest(query())
    world.relay()
    assert [event["data"]["outcome"] for event in world.published()] == ["partial"]


def test_repeats_change_nothing_and_publish_nothing(world: World) -> None:
    world.ingest(query(), response())
    for _ in range(2):
        world.ingest(response())
        world.ingest(query())
        world.ingest(response(), query())
    world.relay()
    assert (len(world.changes()), len(world.published())) == (1, 1)


def test_an_unanswered_question_closes_after_the_grace_period(world: World) -> None:
    world.ingest(query())
    (deadline,) = world.messages("DEADLINE")
    assert deadline.delayed
    assert world.expire() == DONE
    world.relay()
    (event,) = world.published()
    assert (event["data"]["outcome"], event["data"]["revision"]) == ("no_response", 1)
    assert event["time"] == "2025-11-03T09:27:00.037Z"


def test_a_late_answer_corrects_no_response(world: World) -> None:
    world.ingest(query())
    world.expire()
    world.ingest(response())
    world.relay()
    revisions = [
        (event["data"]["outcome"], event["data"]["revision"]) for event in world.published()
    ]
    assert revisions == [("no_response", 1), ("partial", 2)]


def test_the_deadline_of_an_answered_question_changes_nothing(world: World) -> None:
    world.ingest(query())
    world.ingest(response())
    world.expire()
    world.expire(redeliver=True)
    assert outcome(world) == ("partial", 1)


def test_no_deadline_is_sent_for_what_is_already_closed(world: World) -> None:
    world.ingest(query(), response())
    world.ingest(response("q-2"))
    world.ingest(query("q-2"))
    assert world.messages("DEADLINE") == []


def test_a_repeated_open_question_gets_its_deadline_again(world: World) -> None:
    """The first delivery may have died between its write and its deadline."""
    world.ingest(query())
    world.ingest(query())
    assert len(world.messages("DEADLINE")) == 2


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_conflicts_end_the_same_in_every_order(
    world: World, order: tuple[int, ...], batch: int
) -> None:
    halves = [query(), OTHER_QUERY, response(), OTHER_RESPONSE]
    ordered = [halves[index] for index in order]
    for start in range(0, len(ordered), batch):
        assert world.ingest(*ordered[start : start + batch]) == DONE
    merged = world.correlations()["q-1"]
    assert merged.query is not None
    assert merged.response is not None
    assert (merged.query.at, merged.response.score, merged.revision) == (ASKED, 57, 3)
    assert world.conflicts() == merged.parked
    assert len(merged.parked) == 2


TRANSITIONS: dict[str, Any] = {
    "query": query(),
    "response": response(),
    "other query": OTHER_QUERY,
    "other response": OTHER_RESPONSE,
    "deadline": None,
}


@pytest.mark.parametrize("second", TRANSITIONS)
@pytest.mark.parametrize("first", TRANSITIONS)
def test_every_transition_is_published_exactly_when_the_state_changed(
    world: World, first: str, second: str
) -> None:
    world.ingest(query())
    for step in (first, second):
        before = world.correlations()["q-1"]
        _apply(world, step)
        after = world.correlations()["q-1"]
        published = len(world.published())
        world.relay()
        assert len(world.published()) - published == (after.revision > before.revision)
        assert after == before or after.version > before.version


def _apply(world: World, step: str) -> None:
    if step == "deadline":
        world.expire(redeliver=True)
    else:
        world.ingest(TRANSITIONS[step])


def test_a_malformed_event_is_parked_at_once_and_delays_nobody(world: World) -> None:
    bad: list[Any] = [
        "not json",
        "{}",
        response(matchScore=101),
        query(eventType="shout"),
        query(""),
    ]
    assert world.ingest(*bad, query("q-2"), response("q-2")) == DONE
    assert set(world.correlations()) == {"q-2"}
    parked = world.messages("INGEST_DLQ")
    assert [message.body for message in parked][:2] == ["not json", "{}"]
    assert "matchScore" in str(parked[2].message_attributes["reason"])


def test_the_sample_weeks_come_out_as_known(world: World) -> None:
    events = sample()
    for start in range(0, len(events), 10):
        assert world.ingest(*events[start : start + 10]) == DONE
    world.expire()
    world.relay()
    outcomes = [event["data"]["outcome"] for event in world.published()]
    counts = {name: outcomes.count(name) for name in ("full", "partial", "none", "no_response")}
    assert counts == {"full": 14, "partial": 10, "none": 11, "no_response": 5}


@pytest.mark.parametrize("arrange", ["shuffled", "doubled", "responses first"])
def test_the_sample_weeks_end_the_same_in_any_arrangement(world: World, arrange: str) -> None:
    events = sample()
    expected = {}
    if arrange == "shuffled":
        events = sorted(events, key=lambda event: event["requestId"][::-1] + event["eventType"])
    elif arrange == "doubled":
        events = [event for event in events for _ in range(2)]
    else:
        events = sorted(events, key=lambda event: event["eventType"], reverse=True)
    for start in range(0, len(events), 10):
        world.ingest(*events[start : start + 10])
    world.expire()
    expected = {
        event["requestId"]: event["matchType"]
        for event in events
        if event["eventType"] == "response"
    }
    found = world.correlations()
    assert len(found) == 40
    assert all(
        str(each.outcome) == expected.get(request_id, "no_response") and each.revision == 1
        for request_id, each in found.items()
    )


def test_what_the_stream_says_twice_has_the_same_id_and_bytes(world: World) -> None:
    world.ingest(query(), response())
    world.relay()
    world.streamed = 0
    world.relay()
    first, second = world.messages("PROBE")
    assert world.published()[0] == world.published()[1]
    assert first.id != second.id


@pytest.mark.parametrize("text", ["no JSON", json.dumps({"at": ASKED, "text": "", "digest": "d"})])
def test_a_record_that_makes_no_event_is_named_and_stops_no_other(world: World, text: str) -> None:
    """Not as this version writes it, or not as the contract has it: a question without text."""
    world.ingest(query(), response())
    world.ingest(query("q-2"), response("q-2"))
    odd, sound = world.changes()
    odd["dynamodb"]["NewImage"]["query"] = {"S": text}
    failed = {"itemIdentifier": odd["dynamodb"]["SequenceNumber"]}
    assert relay.handler({"Records": [odd, sound]}, None) == {"batchItemFailures": [failed]}
    assert [event["subject"] for event in world.published()] == ["q-2"]
    with pytest.raises(relay.NothingPublishedError):
        relay.handler({"Records": [odd]}, None)


def test_a_days_digest_needs_only_the_index(world: World) -> None:
    world.ingest(query(), response(), query("q-2"))
    table = services().correlations
    day = read_day(table, date(2025, 11, 3), Layout.of(1))
    assert (day.correlations, day.digest) == (1, day_digest([("q-1", 1)]))
    world.ingest(OTHER_RESPONSE)
    assert read_day(table, date(2025, 11, 3), Layout.of(1)).digest == day_digest([("q-1", 2)])


def test_the_sample_pairs_items_stay_below_one_kilobyte(world: World) -> None:
    events = sample()
    for start in range(0, len(events), 10):
        world.ingest(*events[start : start + 10])
    sizes = [item_size(item) for item in world.items()]
    assert max(sizes) <= 1_024, sorted(sizes)[-3:]
