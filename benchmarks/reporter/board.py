"""The dashboard's page by size: four weeks of 1,000,000 questions against four weeks of 1,000.

Whole requests through the Lambda handler, as the HTTP API sends them, over a DynamoDB that answers
at once: what is measured is the Reporter's own CPU, the AWS client's included.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from itertools import islice
from time import process_time, time
from typing import Any

from botocore.awsrequest import AWSResponse
from cv_reporter.adapters.aws import client
from cv_reporter.application.entry import LINK, SECONDS_PER_DAY, Token, session_token
from cv_reporter.bootstrap import forget
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.summary import summarise
from cv_reporter.domain.summary_document import fitted
from cv_reporter.entrypoints.api import handler
from cv_reporter.entrypoints.dashboard.sign_in import COOKIE

from benchmarks.reporter import cold, deployed
from benchmarks.reporter.figure import Figure
from benchmarks.reporter.stub import Raw, Stub
from benchmarks.reporter.workload import ENVIRONMENT, LONDON, day_of_facts

DAYS = 28
SIZES = (1_000, 1_000_000)
SUMMARISED = 40_000
ROUNDS = 7
PASSES = 3
KEY = "k" * 64
WORDS = 997
SHIFT = 1_000_003
"""A prime that no two session hashes are likely to be apart."""

Request = dict[str, Any]


@dataclass
class Shelf:
    """As much of DynamoDB and SQS as the page asks for; `spent` is its own CPU, not the page's."""

    summaries: dict[date, str]
    versions: dict[date, int] = field(default_factory=dict)
    spent: float = 0.0

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer instead of the network (botocore's `before-send`)."""
        start = process_time()
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        answers: dict[str, Callable[[Request], Request]] = {
            "GetItem": lambda _: {},
            "Query": self._entries,
            "BatchGetItem": self._items,
            "GetQueueAttributes": lambda asked: {
                "Attributes": dict.fromkeys(asked["AttributeNames"], "0")
            },
        }
        body = json.dumps(answers[operation](json.loads(request.body))).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        self.spent += process_time() - start
        return AWSResponse(request.url, 200, headers, Raw(body))

    def _entries(self, request: Request) -> Request:
        """The summaries' index entries; of anything else there is nothing."""
        if request.get("IndexName") != "lookup":
            return {"Items": []}
        days = sorted(self.summaries)[: request.get("Limit")]
        orders = (day.toordinal() * 10**9 + self.versions.get(day, 1) for day in days)
        return {"Items": [{"askedAt": {"N": str(order)}} for order in orders]}

    def _items(self, request: Request) -> Request:
        """Whole summaries."""
        [(table, asked)] = request["RequestItems"].items()
        days = [date.fromisoformat(each["sk"]["S"]) for each in asked["Keys"]]
        return {"Responses": {table: [self._item(day) for day in days]}}

    def _item(self, day: date) -> Request:
        return {
            "pk": {"S": "SUMMARY#0"},
            "sk": {"S": str(day)},
            "version": {"N": str(self.versions.get(day, 1))},
            "data": {"S": self.summaries[day]},
        }


def board_by_size() -> Iterator[Figure]:
    """CPU of a page with nothing new, with a new question, and of a new process with its start."""
    os.environ.update(ENVIRONMENT)
    today = local_day(_now(), LONDON)
    shelves = [Shelf(_eight_weeks(today, questions // DAYS)) for questions in SIZES]
    parameters = Stub({"GetParameter": {"Parameter": {"Value": KEY}}})
    client("ssm").meta.events.register_first("before-send", parameters.answer)
    pages = [[_pages(shelf, today) for shelf in shelves] for _ in range(PASSES)]
    with deployed.world() as answers:
        start_of_api = cold.programs(answers)[cold.FIRST_PAGE]
        starting = min(cold.cpu_seconds(start_of_api) for _ in range(PASSES))
    for kind, start in (("nothing new", 0.0), ("a new question", 0.0), ("a new process", starting)):
        little, much = (start + min(each[size][kind] for each in pages) for size in (0, 1))
        note = f"({1_000 * much:.1f} ms against {1_000 * little:.1f} ms)"
        name = f"dashboard: 1,000,000 × 1,000 questions, {kind}"
        yield Figure(name, much / little, 1.25, "×", note)


def _now() -> int:
    return int(time() * 1_000)


def _eight_weeks(today: date, per_day: int) -> dict[date, str]:
    """Summaries as stored. Quiet days differ; a busy one, which has everything, serves for all."""
    different = max(1, min(DAYS, SUMMARISED // per_day))
    facts = _mixed(day_of_facts(today, per_day * different))
    stored = [
        fitted(summarise(list(islice(facts, per_day)), today, LONDON, load_policy()))
        for _ in range(different)
    ]
    days = (today - timedelta(days=back) for back in range(2 * DAYS))
    return {
        day: _on_another_day(stored[back % different], day, back) for back, day in enumerate(days)
    }


def _mixed(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Every seventh question has no skill and no intent, so that only its text groups it."""
    for number, fact in enumerate(facts):
        words = " ".join(f"word{number * step % WORDS}" for step in (7, 11, 13))
        yield replace(fact, skills=(), intents=(), question=words) if number % 7 == 0 else fact


def _on_another_day(stored: str, day: date, back: int) -> str:
    document = json.loads(stored)
    tally = document["visitors"]
    moved = {(each + back * SHIFT) % tally["theta"] for each in tally["sessions"]}
    tally["sessions"] = sorted(moved)
    [outcomes] = tally["days"].values()
    tally["days"] = {str(day): outcomes}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _pages(shelf: Shelf, today: date) -> dict[str, float]:
    """The least CPU seconds of each kind of page."""

    def question() -> None:
        shelf.versions[today] = shelf.versions.get(today, 1) + 1

    sources = client("dynamodb").meta.events, client("sqs").meta.events
    for source in sources:
        source.register_first("before-send", shelf.answer, unique_id="shelf")
    afresh = [_seconds(shelf, forget) for _ in range(ROUNDS)]
    unchanged = [_seconds(shelf, lambda: None) for _ in range(ROUNDS)]
    changed = [_seconds(shelf, question) for _ in range(ROUNDS)]
    for source in sources:
        source.unregister("before-send", unique_id="shelf")
    return {
        "nothing new": min(unchanged),
        "a new question": min(changed),
        "a new process": min(afresh),
    }


def _seconds(shelf: Shelf, prepare: Callable[[], None]) -> float:
    """CPU seconds of one request, without the shelf's own."""
    event = _event()
    prepare()
    shelf.spent = 0.0
    start = process_time()
    answer = handler(event, None)
    spent = process_time() - start - shelf.spent
    if answer["statusCode"] != HTTPStatus.OK:
        raise RuntimeError(answer["body"])
    return spent


def _event() -> dict[str, Any]:
    """`GET /dashboard` of a signed-in owner, as an HTTP API sends it."""
    link = Token(LINK, "", _now() // 1_000 + SECONDS_PER_DAY)
    cookie = f"{COOKIE}={session_token(KEY, link, 'bench')}"
    http = {"method": "GET", "path": "/dashboard", "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1", "userAgent": "bench"}  # fmt: skip
    return {
        "version": "2.0", "routeKey": "GET /dashboard", "rawPath": "/dashboard",
        "rawQueryString": "", "headers": {"host": "bench"}, "cookies": [cookie],
        "isBase64Encoded": False,
        "requestContext": {"http": http, "stage": "$default", "requestId": "1"},
    }  # fmt: skip


MEASURES = (board_by_size,)
