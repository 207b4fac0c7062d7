"""A poison message delays no other request by more than one batch.

The hardest case is a producer that puts everything into one message group, as the original
chatbot does (`analytics`): SQS hands out nothing more of a group while one of its messages is open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cv_processor.adapters.aws import client
from cv_processor.domain.correlation import MAX_PARKED
from cv_processor.entrypoints import ingest
from tests.component.world import TABLE, World, aws, sqs_event
from tests.events import ASKED, query, response

POISON = "q-poison"
BATCH = 10


class OneGroup:
    """A FIFO queue whose messages are all of one group: what failed stays at its head, hidden for
    the visibility timeout, and until then the queue hands out nothing else."""

    def __init__(self, bodies: list[str]) -> None:
        self.waiting = list(enumerate(bodies))
        self.blocked = 0

    def deliver(self) -> None:
        """One batch, to the handler and back."""
        batch = self.waiting[:BATCH]
        event = sqs_event([body for _, body in batch], [number for number, _ in batch])
        answer = ingest.handler(event, None)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        ids = [record["messageId"] for record in event["Records"]]
        kept = [item for item, id_ in zip(batch, ids, strict=True) if id_ in failed]
        self.blocked += bool(kept)
        self.waiting = kept + self.waiting[BATCH:]


def _malformed(_: World) -> list[str]:
    return ['{"eventType": "query", "requestId": 7}']


def _over_an_unreadable_item(_: World) -> list[str]:
    """Somebody else wrote to our table."""
    key = {"pk": {"S": f"REQ#{POISON}"}, "sk": {"S": "CORRELATION"}}
    aws("dynamodb").put_item(TableName=TABLE, Item=key | {"query": {"S": "no JSON"}})
    return [json.dumps(query(POISON))]


def _one_conflict_too_many(world: World) -> list[str]:
    for number in range(MAX_PARKED + 1):
        world.ingest(query(POISON, query=f"version {number}?"))
    return [json.dumps(query(POISON, query="yet another?", timestamp=ASKED + 1))]


def _refused_by_the_table(_: World) -> list[str]:
    return [json.dumps(query(POISON))]


@contextmanager
def refusing(request_id: str) -> Iterator[None]:
    """DynamoDB finds fault with every write of this question."""

    def refuse(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if request_id.encode() not in params["body"]:
            return None
        answer = type("Answer", (), {"status_code": 400})()
        return answer, {"Error": {"Code": "ValidationException", "Message": "no"}}

    events = client("dynamodb").meta.events
    events.register("before-call.dynamodb.PutItem", refuse)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb.PutItem", refuse)


def closed(world: World) -> set[str]:
    """The questions with an outcome. By their keys: not every item here can be read."""
    return {item["pk"]["S"].removeprefix("REQ#") for item in world.items() if "closedDay" in item}


def dead(world: World) -> list[str]:
    return [message.body for message in world.messages("INGEST_DLQ")]


@pytest.mark.parametrize(
    "poison",
    [_malformed, _over_an_unreadable_item, _one_conflict_too_many, _refused_by_the_table],
)
def test_the_others_of_its_group_pass_in_their_own_batch(
    world: World, poison: Callable[[World], list[str]]
) -> None:
    bodies = poison(world)
    others = [f"q-{number}" for number in range(25)]
    halves = [json.dumps(make(name)) for make in (query, response) for name in others]
    queue = OneGroup([*halves[:5], *bodies, *halves[5:]])
    batches = -(-(len(halves) + len(bodies)) // BATCH)
    with refusing(POISON):
        for _ in range(batches):
            queue.deliver()
    assert queue.blocked == 0
    assert queue.waiting == []
    assert closed(world) >= set(others)
    assert dead(world) == bodies


@pytest.mark.parametrize("batch", [1, BATCH, 60])
def test_of_a_question_with_too_many_texts_the_earliest_and_the_answer_stand(
    world: World, batch: int
) -> None:
    texts = [query(POISON, query=f"version {n}?", timestamp=ASKED + n) for n in range(50, 0, -1)]
    halves = [*texts[:25], query("q-1"), *texts[25:-1], response(POISON), texts[-1]]
    halves.append(query(POISON, query="yet another?", timestamp=ASKED + 99))
    for start in range(0, len(halves), batch):
        assert world.ingest(*halves[start : start + batch]) == {"batchItemFailures": []}
    correlations = world.correlations()
    merged = correlations[POISON]
    assert merged.query is not None
    assert (merged.query.at, merged.outcome) == (ASKED + 1, "partial")
    assert "q-1" in correlations
    rejected = {json.loads(body)["timestamp"] for body in dead(world)}
    assert rejected.isdisjoint({ASKED + 1, ASKED + 1_900})
    assert len(merged.parked) + len(rejected) == 50
    assert world.conflicts() >= merged.parked


def test_what_may_pass_is_delivered_again_and_its_batch_goes_through(world: World) -> None:
    def throttle(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if POISON.encode() not in params["body"]:
            return None
        answer = type("Answer", (), {"status_code": 400})()
        return answer, {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}

    queue = OneGroup([json.dumps(query(name)) for name in ("q-1", POISON, "q-2")])
    events = client("dynamodb").meta.events
    events.register("before-call.dynamodb.PutItem", throttle)
    try:
        queue.deliver()
    finally:
        events.unregister("before-call.dynamodb.PutItem", throttle)
    assert set(world.correlations()) == {"q-1", "q-2"}
    assert [json.loads(body)["requestId"] for _, body in queue.waiting] == [POISON]
    queue.deliver()
    assert set(world.correlations()) == {"q-1", "q-2", POISON}
    assert dead(world) == []
