"""Cold starts: a whole process, from its start to the first handled event, AWS stubbed.

Each is a ratio to `import boto3; boto3.client("dynamodb")` in the same interpreter, with the SDK
as it is installed in the service's environment. The functions run as they are deployed, from the
bundle (pruned SDK data, `unchecked-hash` bytecode). By CPU time, in turns so that all see the same
machine, and by instructions (valgrind's cachegrind), which repeat on a busy machine too.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.reporter.figure import Figure
from benchmarks.reporter.workload import ENVIRONMENT

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "dist" / "bundles" / "reporter-local"
ROUNDS = 7
BASELINE = 'import boto3; boto3.client("dynamodb")'

STUBBED = """
import sys
sys.path[:0] = {paths}
from benchmarks.reporter.stub import Stub
from cv_reporter.adapters.aws import session
session().register("before-send", Stub({answers}).answer)
"""
PROJECT = """
from cv_reporter.entrypoints.project import handler
from benchmarks.reporter.workload import sqs_batch
handler(sqs_batch(1), None)
"""
SUMMARISE = """
from cv_reporter.entrypoints.summarise import handler
keys = {"pk": {"S": "DAY#2025-11-10#0"}, "sk": {"S": "1#r"}}
handler({"Records": [{"eventName": "INSERT", "dynamodb": {
    "SequenceNumber": "1", "Keys": keys,
    "NewImage": {**keys, "revision": {"N": "1"}, "lookup": {"S": "SESSION#s"}}}}]}, None)
"""
RELAY = """
from cv_reporter.entrypoints.relay import handler
keys = {"pk": {"S": "OUTBOX#1"}, "sk": {"S": "ReportPublished"}}
image = {**keys, "source": {"S": "x"}, "detail": {"S": "{}"}}
handler({"Records": [{"eventName": "INSERT", "dynamodb": {
    "SequenceNumber": "1", "Keys": keys, "NewImage": image}}]}, None)
"""
REPORT = """
from cv_reporter.entrypoints.report import handler
handler({"week": "2025-W46"}, None)
"""
API = """
from cv_reporter.entrypoints.api import handler
class Context: aws_request_id = "1"
context = {"http": {"method": "GET", "path": "/v1/reports", "sourceIp": "192.0.2.1",
    "protocol": "HTTP/1.1", "userAgent": "x"}, "stage": "$default", "requestId": "1",
    "domainName": "x", "domainPrefix": "x", "accountId": "1", "apiId": "a",
    "routeKey": "$default", "timeEpoch": 0, "time": ""}
answer = handler({"version": "2.0", "routeKey": "$default", "rawPath": "/v1/reports",
    "rawQueryString": "", "headers": {"host": "x"}, "requestContext": context,
    "isBase64Encoded": False}, Context())
assert answer["statusCode"] == 200, answer
"""
ANSWERS = {
    "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
    "outbound-emails": {"MessageId": "1"},
}
LIMITS = (
    ("project", PROJECT, 1.1),
    ("summarise", SUMMARISE, 1.1),
    ("relay", RELAY, 1.1),
    ("report", REPORT, 1.3),
    ("api", API, 2.0),
)


class NotMeasuredError(Exception):
    """Something that the measurement needs is not there; the message says how to get it."""


def programs() -> dict[str, str]:
    """The source of each process; the first is what the others are compared with."""
    if not BUNDLE.is_dir():
        raise NotMeasuredError("no bundle: `make bench-reporter` builds it")
    stubbed = STUBBED.format(paths=[str(BUNDLE), str(ROOT)], answers=ANSWERS)
    return {"baseline": BASELINE} | {name: stubbed + code for name, code, _ in LIMITS}


def by_cpu() -> Iterator[Figure]:
    """Every function's cold start by the best CPU time of some rounds."""
    sources = programs()
    best = dict.fromkeys(sources, float("inf"))
    for _ in range(ROUNDS):
        for name, source in sources.items():
            best[name] = min(best[name], cpu_seconds(source))
    return _figures("CPU", best, lambda seconds: f"{1_000 * seconds:.0f} ms")


def by_instructions() -> Iterator[Figure]:
    """Every function's cold start by instructions."""
    if shutil.which("valgrind") is None:
        raise NotMeasuredError("no valgrind to count instructions with: `apt-get install valgrind`")
    counts = {name: instructions(source) for name, source in programs().items()}
    return _figures("instructions", counts, lambda count: f"{count / 1e6:,.0f} million")


def _figures(unit: str, found: dict[str, float], told: Callable[[float], str]) -> Iterator[Figure]:
    base = found["baseline"]
    for name, _, allowed in LIMITS:
        note = f"({told(found[name])} against {told(base)})"
        yield Figure(
            f"{name}: cold start, {unit} × boto3 client", found[name] / base, allowed, "×", note
        )


def cpu_seconds(source: str) -> float:
    """The CPU time of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run([sys.executable, "-c", source])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def instructions(source: str) -> float:
    """The instructions of a whole process, by cachegrind."""
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    said = _run([*tool, sys.executable, "-c", source])
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if found is None:
        raise NotMeasuredError("cachegrind printed no count")
    return float(found[1].replace(",", ""))


def _run(command: list[str]) -> str:
    environment = {**os.environ, **ENVIRONMENT, **FUNCTION}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or the baseline is compiled at each start
    done = subprocess.run(  # noqa: S603 (our own text)
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return done.stderr


FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "BUS_NAME": "bench",
    "SENDER": "reports@cv.example",
    "RECIPIENTS": "owner@cv.example",
    "PYTHONHASHSEED": "0",
}

MEASURES = (by_cpu, by_instructions)
