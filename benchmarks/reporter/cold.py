"""Cold starts: a whole process, from import to the first handled event, AWS stubbed.

As a ratio to `import boto3; boto3.client("dynamodb")` in the same environment, by CPU time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.reporter.figure import Figure
from benchmarks.reporter.warm import ENVIRONMENT

REPEATS = 9
BASELINE = 'import boto3; boto3.client("dynamodb")'

STUBBED = """
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
handler({"Records": [{"eventName": "INSERT", "dynamodb": {
    "SequenceNumber": "1", "Keys": keys, "NewImage": {**keys, "source": {"S": "x"}, "detail": {"S": "{}"}}}}]}, None)
"""
REPORT = """
from cv_reporter.entrypoints.report import handler
handler({"week": "2025-W46"}, None)
"""
API = """
from cv_reporter.entrypoints.api import handler
class Context: aws_request_id = "1"
context = {"http": {"method": "GET", "path": "/health", "sourceIp": "127.0.0.1",
    "protocol": "HTTP/1.1", "userAgent": "x"}, "stage": "$default", "requestId": "1",
    "domainName": "x", "domainPrefix": "x", "accountId": "1", "apiId": "a",
    "routeKey": "$default", "timeEpoch": 0, "time": ""}
handler({"version": "2.0", "routeKey": "$default", "rawPath": "/health", "rawQueryString": "",
    "headers": {"host": "x"}, "requestContext": context, "isBase64Encoded": False}, Context())
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


def cold_starts() -> Iterator[Figure]:
    """Every function's cold start."""
    programs = {name: STUBBED.format(answers=ANSWERS) + code for name, code, _ in LIMITS}
    baseline, best = float("inf"), dict.fromkeys(programs, float("inf"))
    for _ in range(REPEATS):
        baseline = min(baseline, seconds(BASELINE))
        for name, program in programs.items():
            best[name] = min(best[name], seconds(program))
    for name, _, allowed in LIMITS:
        note = f"({1_000 * best[name]:.0f} ms against {1_000 * baseline:.0f} ms)"
        yield Figure(f"{name}: cold start × boto3 client", best[name] / baseline, allowed, "×", note)


def seconds(program: str) -> float:
    """CPU seconds of a fresh interpreter that runs the program."""
    environment = os.environ | ENVIRONMENT | {
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "BUS_NAME": "bench",
        "SENDER": "reports@cv.example",
        "RECIPIENTS": "owner@cv.example",
    }  # fmt: skip
    before = os.times()
    done = subprocess.run(  # noqa: S603 (our own text)
        [sys.executable, "-c", program], env=environment, capture_output=True, check=False
    )
    after = os.times()
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2_000:])
    return (
        after.children_user - before.children_user + after.children_system - before.children_system
    )


MEASURES = (cold_starts,)
