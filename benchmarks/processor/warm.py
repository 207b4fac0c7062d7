"""Warm `ingest` with a batch of ten, over loopback sockets with 5 ms a call, as ratios.

CPU is that of the caller's process alone; the stand-in for AWS has one of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import boto3

from benchmarks.processor.server import served
from benchmarks.processor.stub import Stub, stubbed
from benchmarks.processor.workload import ENVIRONMENT, REGION, batch
from cv_processor.adapters import aws
from cv_processor.entrypoints import ingest

ROUNDS = 7
REPEATS = 12


def measure() -> dict[str, float]:
    """The ratios of ours to the bare program, to the naive handler, to ours without its log line,
    and of wall times."""
    os.environ.update(ENVIRONMENT)
    with served() as address:
        os.environ["AWS_ENDPOINT_URL"] = address
        return _measured()


def _measured() -> dict[str, float]:
    from benchmarks.processor import naive  # noqa: PLC0415 - its clients want the settings

    event = {"Records": batch()}
    plan = _plan(ingest.handler, event, (aws.client("dynamodb"), aws.client("sqs")))
    bare = _Bare()
    naive_batch = {"Records": batch(pairs_in_batch=True)}
    programs: dict[str, Callable[[], object]] = {
        "ours": lambda: ingest.handler(event, None),
        "bare": lambda: bare.run(plan),
        "silent": lambda: _silently(event),
        "naive": lambda: naive.handler(naive_batch, None),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Powertools misses Lambda's context
        cpu = _interleaved(programs, time.process_time)
        wall = _interleaved(programs, time.perf_counter)
    return {
        "cpuToBare": cpu["ours"] / cpu["bare"],
        "cpuToNaive": cpu["ours"] / cpu["naive"],
        "wallToSequential": wall["ours"] / wall["bare"],
        "cpuToSilent": cpu["ours"] / cpu["silent"],
        "cpuMs": cpu["ours"] * 1_000,
    }


def _silently(event: dict[str, Any]) -> None:
    """Our handler without its log line and metrics."""
    with mock.patch.object(ingest, "log_line"):
        ingest.handler(event, None)


class _Bare:
    """boto3 with default settings, making the same calls one after another, and nothing else."""

    def __init__(self) -> None:
        session = boto3.session.Session(region_name=REGION)
        self.by_service = {name: session.client(name) for name in ("dynamodb", "sqs")}
        self.clients = tuple(self.by_service.values())

    def run(self, plan: list[tuple[str, str, dict[str, Any]]]) -> None:
        """The calls."""
        for service, method, parameters in plan:
            getattr(self.by_service[service], method)(**parameters)


def _plan(
    handler: Callable[..., Any], event: dict[str, Any], clients: tuple[Any, ...]
) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls that our handler makes for this batch when it is warm."""
    names = {"PutItem": "put_item", "UpdateItem": "update_item"}
    names |= {"SendMessageBatch": "send_message_batch"}
    with stubbed(Stub(), *clients), _quiet():
        handler(event, None)
    with stubbed(Stub(keep=True), *clients) as stub, _quiet():
        handler(event, None)
    return [(service, names[name], params) for service, name, params in stub.made]


def _interleaved(
    programs: dict[str, Callable[[], object]], clock: Callable[[], float]
) -> dict[str, float]:
    """The best round of each, taken in turns so that all see the same machine."""
    best = dict.fromkeys(programs, float("inf"))
    with _quiet():
        for _ in range(ROUNDS):
            for name, program in programs.items():
                started = clock()
                for _ in range(REPEATS):
                    program()
                best[name] = min(best[name], (clock() - started) / REPEATS)
    return best


def _quiet() -> contextlib.AbstractContextManager[object]:
    return contextlib.redirect_stdout(io.StringIO())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure()) + "\n")
