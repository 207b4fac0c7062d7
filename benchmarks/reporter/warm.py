"""Warm projection of a batch of ten, against a bare boto3 program that makes the same writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from time import process_time

import boto3
from cv_reporter.adapters.aws import session
from cv_reporter.adapters.items import to_item
from cv_reporter.domain.fact import FactKey
from cv_reporter.entrypoints.project import handler

from benchmarks.reporter.figure import Figure
from benchmarks.reporter.stub import Stub
from benchmarks.reporter.workload import ENVIRONMENT, LAYOUT, day_of_facts, sqs_batch

ROUNDS = 8
REPEATS = 30


def projection() -> Iterator[Figure]:
    """CPU and calls of `project`."""
    os.environ.update(ENVIRONMENT)
    stub, bare_stub = Stub(items=LAYOUT), Stub()
    session().events.register("before-send", stub.answer)
    batch = sqs_batch()
    handler(batch, None)
    reads = stub.calls.pop("GetItem")
    stub.calls.clear()
    handler(batch, None)
    yield Figure("project: reads of the layout in 30 seconds", reads, 1, "calls", exact=True)
    writes = stub.calls["PutItem"]
    yield Figure("project: writes per event", writes / 10, 1, "calls", exact=True)
    yield Figure("project: other calls", stub.calls.total() - writes, 0, "calls", exact=True)
    bare = bare_program(bare_stub)
    pairs = [(cpu(lambda: handler(batch, None)), cpu(bare)) for _ in range(REPEATS)]
    ours, theirs = min(p[0] for p in pairs), min(p[1] for p in pairs)
    note = f"({1_000 * ours:.1f} ms against {1_000 * theirs:.1f} ms a batch)"
    yield Figure("project: CPU × bare boto3 with the same writes", ours / theirs, 1.25, "×", note)


def bare_program(stub: Stub) -> Callable[[], None]:
    """Ten conditional writes with a default client, and nothing else."""
    client = boto3.client("dynamodb", region_name="eu-west-2")
    client.meta.events.register("before-send", stub.answer)
    facts = list(day_of_facts(date(2025, 11, 10), 10))
    items = [to_item(fact, FactKey("DAY#2025-11-10#0", fact.request_id), 400) for fact in facts]

    def run() -> None:
        for item in items:
            client.put_item(
                TableName="bench",
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR revision < :revision",
                ExpressionAttributeValues={":revision": {"N": "1"}},
            )

    return run


def cpu(run: Callable[[], object]) -> float:
    """CPU seconds of one round."""
    start = process_time()
    for _ in range(ROUNDS):
        run()
    return (process_time() - start) / ROUNDS


MEASURES = (projection,)
