"""Cold starts: a whole process, from its start to the first handled event, AWS stubbed.

Each is a ratio to `import boto3; boto3.client("dynamodb")` of a stock install, by the same
interpreter with the same flags: `-S`, so that a process sees the standard library and its own
packages alone. The functions run as they are deployed: the unpacked bundle (pruned SDK data,
`unchecked-hash` bytecode), every setting, two stored weeks and what the night compared.

The promise is about time, so what counts is the CPU time of the whole process, the kernel's share
included: the least of some rounds, in turns so that all see the same machine. Instructions, which
valgrind's cachegrind counts, stand beside it, for they repeat on a busy machine; they leave out
what the kernel does to read and map files, of which the stock client has more.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from benchmarks.reporter import deployed
from benchmarks.reporter.figure import Figure
from benchmarks.reporter.workload import ENVIRONMENT

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "dist" / "bundles" / "reporter-local"
ROUNDS = 9
BASELINE = 'import boto3; boto3.client("dynamodb")'

STUBBED = """
import json, sys
sys.path.append({root!r})
from benchmarks.reporter.stub import Stub
from cv_reporter.adapters.aws import session
with open({answers!r}) as file:
    stub = Stub(**json.load(file))
session().events.register("before-send", stub.answer)
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
answer = handler({"week": "2025-W46"}, None)
assert answer["sent"] == 1, answer
"""
API = """
from cv_reporter.entrypoints.api import handler
class Context: aws_request_id = "1"
context = {{"http": {{"method": "GET", "path": {path!r}, "sourceIp": "192.0.2.1",
    "protocol": "HTTP/1.1", "userAgent": "x"}}, "stage": "$default", "requestId": "1",
    "domainName": "x", "domainPrefix": "x", "accountId": "1", "apiId": "a",
    "routeKey": "$default", "timeEpoch": 0, "time": ""}}
answer = handler({{"version": "2.0", "routeKey": "$default", "rawPath": {path!r},
    "rawQueryString": {query!r}, "headers": {{"host": "x"}}, "requestContext": context,
    "isBase64Encoded": False}}, Context())
assert answer["statusCode"] == 200, answer
assert {holds!r} in answer["body"], answer
"""
ONE_REPORT = API.format(path=f"/v1/reports/{deployed.WEEK}", query="", holds='"questions":28')
A_SUMMARY = API.format(
    path="/v1/summary", query="from=2025-11-10&to=2025-11-16", holds='"questions":28'
)
FIRST_PAGE = "api, GET /v1/summary"
"""What a new process of the API has done before its first page, but for the page."""

LIMITS = (
    ("project", PROJECT, 1.1),
    ("summarise", SUMMARISE, 1.1),
    ("relay", RELAY, 1.1),
    ("report", REPORT, 1.4),
    ("api, GET /v1/reports/{week}", ONE_REPORT, 2.1),
    (FIRST_PAGE, A_SUMMARY, 2.1),
)


class NotMeasuredError(Exception):
    """Something that the measurement needs is not there; the message says how to get it."""


class Program(NamedTuple):
    """A process: its source, and where its packages are."""

    source: str
    packages: Path


def programs(answers: Path) -> dict[str, Program]:
    """The processes; the first is what the others are compared with."""
    if not BUNDLE.is_dir():
        raise NotMeasuredError("no bundle: `make bench-reporter` builds it")
    stubbed = STUBBED.format(root=str(ROOT), answers=str(answers))
    stock = Program(BASELINE, Path(str(files("boto3"))).parent)
    return {"baseline": stock} | {name: Program(stubbed + code, BUNDLE) for name, code, _ in LIMITS}


def cold_starts() -> Iterator[Figure]:
    """Every function's cold start by CPU time, its instructions noted beside."""
    with deployed.world() as answers:
        wanted = programs(answers)
        best = dict.fromkeys(wanted, float("inf"))
        for program in wanted.values():
            cpu_seconds(program)  # what is missing of bytecode is written
        for _ in range(ROUNDS):
            for name, program in wanted.items():
                best[name] = min(best[name], cpu_seconds(program))
        counts = {name: instructions(program) for name, program in wanted.items()}
    for name, _, allowed in LIMITS:
        yield Figure(
            f"cold start of {name}: CPU × boto3 client",
            best[name] / best["baseline"],
            allowed,
            "×",
            f"({1_000 * best[name]:.0f} ms against {1_000 * best['baseline']:.0f} ms; "
            f"instructions {counts[name] / counts['baseline']:.3f} ×)",
        )


def cpu_seconds(program: Program) -> float:
    """The CPU time of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run([sys.executable], program)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def instructions(program: Program) -> float:
    """The instructions of a whole process, by cachegrind."""
    if shutil.which("valgrind") is None:
        raise NotMeasuredError("no valgrind to count instructions with: `apt-get install valgrind`")
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    found = re.search(r"I\s+refs:\s+([\d,]+)", _run([*tool, sys.executable], program))
    if found is None:
        raise NotMeasuredError("cachegrind printed no count")
    return float(found[1].replace(",", ""))


def _run(command: list[str], program: Program) -> str:
    environment = {**deployed.environment(), **ENVIRONMENT, "PYTHONPATH": str(program.packages)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or the baseline is compiled at each start
    done = subprocess.run(  # noqa: S603 (our own text)
        [*command, "-S", "-c", program.source],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return done.stderr


MEASURES = (cold_starts,)
