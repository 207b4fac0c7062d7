"""What a pair costs: AWS calls and write units, counted. A call more turns this red."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cv_processor.adapters.aws import client
from cv_processor.bootstrap import services
from cv_processor.domain.erasure import Session
from tests.component.world import World
from tests.conftest import forget_containers
from tests.events import query, response, sample
from tests.faults.faults import Faults, injected
from tests.sizes import write_units


def usual_order() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Ten answered questions of the sample: first all queries, then all responses."""
    events = sample()
    responses = [each for each in events if each["eventType"] == "response"][:10]
    answered = {each["requestId"] for each in responses}
    queries = [each for each in events if each["eventType"] == "query"]
    return [each for each in queries if each["requestId"] in answered], responses


def calls(world: World, *batches: list[dict[str, Any]]) -> list[str]:
    """The calls of these batches and of all that follows them, in a warm container."""
    world.ingest(query("warm"), response("warm"))
    world.clear()
    with injected(Faults()) as counted:
        for batch in batches:
            world.ingest(*batch)
        world.expire()
        world.relay()
    return counted.calls


def test_a_pair_in_two_batches_costs_two_writes_and_no_read_on_the_way_in(
    world: World, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SETTLE_SECONDS", "60")
    queries, responses = usual_order()
    made = calls(world, queries, responses)
    # Ten pairs; `expire` looks at a whole batch of deadlines with one read, ingest reads nothing.
    assert Counter(made) == {
        "dynamodb.PutItem": 10,
        "dynamodb.UpdateItem": 10,
        "sqs.SendMessageBatch": 1,
        "dynamodb.BatchGetItem": 1,
        "events.PutEvents": 1,
    }


def test_a_pair_in_one_batch_costs_one_write_and_no_deadline(
    world: World, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SETTLE_SECONDS", "60")
    queries, responses = usual_order()
    pairs = [half for pair in zip(queries, responses, strict=True) for half in pair]
    made = calls(world, pairs[:10], pairs[10:])
    assert Counter(made) == {"dynamodb.PutItem": 10, "events.PutEvents": 1}


def test_a_container_reads_erasures_and_the_layout_once_and_the_first_of_a_table_stores_it(
    world: World, monkeypatch: Any
) -> None:
    """What a pair's counts leave out: reads per container and time, not per event."""
    monkeypatch.setenv("SETTLE_SECONDS", "60")
    queries, _ = usual_order()
    with injected(Faults()) as first:
        world.ingest(*queries)
        world.ingest(query("q-1"))
    forget_containers()
    with injected(Faults()) as second:
        world.ingest(query("q-2"))
        world.ingest(query("q-3"))
    apart = {"dynamodb.Query": 2}
    questions = {"sqs.SendMessageBatch": 2, "dynamodb.PutItem": 2}
    assert Counter(second.calls) == apart | questions
    questions["dynamodb.PutItem"] = len(queries) + 1
    assert Counter(first.calls) == Counter(apart | questions) + Counter(["dynamodb.PutItem"])


def test_what_needs_no_layout_reads_none(world: World) -> None:
    world.ingest(query(), query("q-2"))
    forget_containers()
    with injected(Faults()) as counted:
        world.expire()
        world.relay()
    assert Counter(counted.calls) == {
        "dynamodb.BatchGetItem": 1,
        "dynamodb.UpdateItem": 2,
        "events.PutEvents": 1,
    }


def test_a_pair_costs_at_most_four_write_units_both_indexes_included(world: World) -> None:
    queries, responses = usual_order()
    world.ingest(query("first"))  # the first write of a table stores its layout, too
    for halves in zip(queries, responses, strict=True):
        before = len(world.changes())
        for half in halves:
            world.ingest(half)
        assert sum(map(write_units, world.changes(before))) <= 4


def test_the_client_of_a_warm_container_is_kept() -> None:
    assert client("dynamodb") is client("dynamodb")


def test_operators_lists_read_what_they_list_and_no_other_question(world: World) -> None:
    queries, responses = usual_order()
    world.ingest(*queries, *responses, query("q-1"), query("q-1", query="Other?"))
    erasures = services().erasures
    for erasure_id in ("e-1", "e-2"):
        erasures.request(erasure_id, Session(f"session of {erasure_id}"), at=1)
        erasures.conclude(erasure_id, Session(f"session of {erasure_id}"), at=2)
    erasures.count("e-2", "reporter", 0)
    with injected(Faults()) as counted:
        assert [id_ for id_, _ in services().correlations.conflicted()] == ["q-1"]
        assert [erased.erasure_id for erased in erasures.unconfirmed()] == ["e-1"]
    assert counted.calls == ["dynamodb.Query", "dynamodb.Query", "dynamodb.GetItem"]
