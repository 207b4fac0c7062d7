"""Everything that is known outside about one question: log lines, dead letters, both APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from cv_contracts.parameters import parameter_name

from tools.deploy.account import Account
from tools.observe.trace import DeadLetter, Evidence, Line, erasure_id, last_projected

SERVICES: Final = ("processor", "reporter")
AT_ONCE: Final = 8
LOGS_BACK: Final = timedelta(days=14)
PEEKED: Final = 10
IS_DEAD_LETTERS: Final = re.compile(r"(-dlq(\.fifo)?|-failures)$")
REQUEST_ID: Final = re.compile(r"[\w.:~-]{1,128}")
# Lambda's line at the end of an invocation, which lasts 15 minutes at most.
REPORT: Final = re.compile(r"REPORT RequestId: (\S+)\tDuration: ([\d.]+) ms")
LONGEST_MS: Final = 15 * 60_000
SUMMARISE: Final = "reporter-summarise"


class EvidenceError(Exception):
    """What was asked for cannot be looked for; the message names the remedy."""


def gather(account: Account, request_id: str, now: datetime) -> Evidence:
    """All evidence about a question. Raises `EvidenceError`."""
    if not REQUEST_ID.fullmatch(request_id):
        raise EvidenceError("REQUEST is no request id: letters, digits and . _ : ~ - only")
    urls = dict(api_urls(account))
    if "processor" not in urls:
        raise EvidenceError(f"the Processor is not deployed in stage {account.stage}")
    since = int((now - LOGS_BACK).timestamp() * 1000)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        groups = log_groups(account)
        found = pool.map(lambda group: _timed(account, group, request_id, since), groups)
        peeked = pool.map(
            lambda queue: list(_letters(account, queue, request_id)), dead_letter_queues(account)
        )
        lines = [line for batch in found for line in batch]
        letters = [letter for batch in peeked for letter in batch]
    with account.http(urls["processor"]) as api:
        path = f"/v1/correlations/{request_id}"
        answer = ask(api, path, or_none=True)
        conflicts = ask(api, f"{path}/conflicts", or_none=True).json().get("items", [])
        receipt = ask(api, f"/v1/erasures/{erasure_id(request_id)}", or_none=True)
    correlation = answer.json() if answer.is_success else None
    return Evidence(
        tuple(line for line in lines if not is_reading(line)),
        tuple(letters),
        correlation,
        _fact(account, urls.get("reporter"), correlation),
        len(conflicts),
        _trace_id(answer.headers.get("traceresponse", "")),
        _summarised(account, lines) if f"{_prefix(account)}{SUMMARISE}" in groups else None,
        receipt.is_success,
    )


def api_urls(account: Account) -> Iterator[tuple[str, str]]:
    """The API of each service that is deployed."""
    for service in SERVICES:
        name = parameter_name(account.stage, service, "api-url")
        for parameter in account.client("ssm").get_parameters(Names=[name])["Parameters"]:
            yield service, parameter["Value"]


def log_groups(account: Account) -> list[str]:
    """The log groups of the functions of a stage."""
    pages = account.client("logs").get_paginator("describe_log_groups")
    found = pages.paginate(logGroupNamePrefix=_prefix(account))
    return [group["logGroupName"] for page in found for group in page["logGroups"]]


def _prefix(account: Account) -> str:
    return f"/aws/lambda/cv-analytics-{account.stage}-"


def queues(account: Account) -> list[str]:
    """The addresses of the queues of a stage."""
    pages = account.client("sqs").get_paginator("list_queues")
    found = pages.paginate(QueueNamePrefix=f"cv-analytics-{account.stage}-")
    return [url for page in found for url in page.get("QueueUrls", [])]


def dead_letter_queues(account: Account) -> list[str]:
    """The addresses of those that hold what failed."""
    return [url for url in queues(account) if IS_DEAD_LETTERS.search(url)]


def short_name(account: Account, name: str) -> str:
    """`processor-ingest` of a log group, queue or alarm of a stage."""
    return name.rsplit("/", 1)[-1].removeprefix(f"cv-analytics-{account.stage}-")


def fields_of(message: str) -> dict[str, Any]:
    """The fields of a log line of the services; nothing of any other line."""
    start = message.find("{")
    try:
        fields = json.loads(message[start:]) if start >= 0 else {}
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def lines_of(account: Account, group: str, term: str, since_ms: int) -> Iterator[Line]:
    """The services' own log lines of a function that contain a term, since a time."""
    pages = account.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=group, filterPattern=f'"{term}"', startTime=since_ms)
    service = short_name(account, group).split("-", 1)[0]
    for page in found:
        for event in page["events"]:
            if fields := fields_of(event["message"]):
                yield Line(event["timestamp"], service, fields)


def _lines(account: Account, group: str, request_id: str, since_ms: int) -> Iterator[Line]:
    for line in lines_of(account, group, request_id, since_ms):
        if request_id in line.fields.get("requests", ()):
            yield line


def _timed(account: Account, group: str, request_id: str, since_ms: int) -> list[Line]:
    """The lines of a function about the question, each with the time that Lambda reports."""
    lines = list(_lines(account, group, request_id, since_ms))
    return _with_times(account, group, lines) if lines else []


def _with_times(account: Account, group: str, lines: list[Line]) -> list[Line]:
    took = dict(_reports(account, group, lines))
    return [
        replace(line, took_ms=took.get(f"{line.fields.get('aws_request_id')}")) for line in lines
    ]


def _reports(account: Account, group: str, lines: list[Line]) -> Iterator[tuple[str, float]]:
    times = [line.at_ms for line in lines]
    pages = account.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(
        logGroupName=group,
        filterPattern='"REPORT"',
        startTime=min(times),
        endTime=max(times) + LONGEST_MS,
    ):
        for event in page["events"]:
            if report := REPORT.match(event["message"]):
                yield report[1], float(report[2])


def _summarised(account: Account, lines: list[Line]) -> Line | None:
    """The first line of `summarise` that counted days since the question was projected last."""
    projected = last_projected(lines)
    if projected is None:
        return None
    group = f"{_prefix(account)}{SUMMARISE}"
    counted = (
        line
        for line in lines_of(account, group, "aws_request_id", projected)
        if line.fields.get("days") and not line.fields.get("failures")
    )
    first = next(counted, None)
    return _with_times(account, group, [first])[0] if first else None


def is_reading(line: Line) -> bool:
    """Whether somebody only looked at the question, as this command does."""
    return line.fields.get("method") == "GET"


def _letters(account: Account, queue: str, request_id: str) -> Iterator[DeadLetter]:
    """The messages about the question among the first of a queue; they stay where they are."""
    received = account.client("sqs").receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=PEEKED,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    for message in received.get("Messages", []):
        if f'"{request_id}"' in message["Body"].replace("\\", ""):
            reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")
            yield DeadLetter(short_name(account, queue).split("-", 1)[1], reason)


def ask(
    api: httpx.Client, path: str, query: dict[str, str] | None = None, *, or_none: bool = False
) -> httpx.Response:
    """An answer; with `or_none`, 404 is one, too. Raises `EvidenceError` for any other failure."""
    answer = api.get(path, params=query)
    if not answer.is_success and not (or_none and answer.status_code == httpx.codes.NOT_FOUND):
        raise EvidenceError(f"GET {path} answered {answer.status_code}")
    return answer


def _fact(
    account: Account, reporter: str | None, correlation: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The question as the Reporter has it: found by its id and the time of asking."""
    if reporter is None or correlation is None:
        return None
    path = f"/v1/questions/{correlation['requestId']}"
    with account.http(reporter) as api:
        answer = ask(api, path, {"askedAt": str(correlation["askedAt"])}, or_none=True)
    return answer.json() if answer.is_success else None


def _trace_id(traceresponse: str) -> str:
    """The trace id of a `traceresponse` header: version, trace, span, flags."""
    parts = traceresponse.split("-")
    return parts[1] if len(parts) == len(("version", "trace", "span", "flags")) else ""
