"""An account that starts empty, and what the tests of this folder do with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tools.build.progress import Steps
from tools.deploy import stacks
from tools.emulator.emulator import Emulator
from tools.observe.evidence import lines_of
from tools.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tools.deploy.account import Account

PREFIX = "cv-analytics-local"
DEADLINE_SECONDS = 240.0
EVENTS_AT_ONCE = 100


@dataclass
class Site:
    """An empty account, and what is deployed into it step by step."""

    emulator: Emulator
    admin: Account
    home: Path
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def deploy(self, *units: str) -> None:
        stacks.deploy(self.admin, units, Steps())

    def api(self, service: str) -> httpx.Client:
        """Signed requests to a service, where its stack says that it is."""
        if service not in self.clients:
            name = f"/cv-analytics/local/{service}/api-url"
            found = self.admin.client("ssm").get_parameter(Name=name)
            self.clients[service] = self.admin.http(found["Parameter"]["Value"])
        return self.clients[service]

    def invoke(self, function: str, payload: dict[str, Any]) -> None:
        said = self.admin.client("lambda").invoke(
            FunctionName=f"{PREFIX}-{function}", Qualifier="live", Payload=json.dumps(payload)
        )
        assert "FunctionError" not in said, said["Payload"].read()

    def operate(self, *arguments: str) -> str:
        """`python -m tools`, as the make targets call it."""
        command = [sys.executable, "-m", "tools", *arguments]
        answer = subprocess.run(
            [*command, "--stage", "local", "--home", str(self.home)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout
        return str(answer.stdout)

    def post(self, events: Sequence[dict[str, Any]]) -> None:
        """Events to the Processor's API, as many at once as it takes; all must be accepted."""
        for start in range(0, len(events), EVENTS_AT_ONCE):
            part = events[start : start + EVENTS_AT_ONCE]
            posted = self.api("processor").post("/v1/events", json={"events": part})
            assert posted.status_code == 202, posted.text
            assert len(posted.json()["accepted"]) == len(part), posted.text

    def ask(self, request_ids: Sequence[str]) -> None:
        """Questions that are answered at once."""
        now = int(time.time() * 1000)
        self.post([half for request_id in request_ids for half in pair(request_id, now)])

    def published(self) -> set[str]:
        """The questions that the Processor has put on its bus."""
        found = lines_of(self.admin, f"/aws/lambda/{PREFIX}-processor-relay", "requests", 0)
        return {id_ for line in found for id_ in line.fields.get("requests", ())}

    def projected(self) -> int:
        """How many questions the Reporter has summarised."""
        said = self.api("reporter").get("/v1/summary", params=these_days()).raise_for_status()
        return int(said.json()["totals"]["questions"])

    def reported(self, prefix: str) -> list[str]:
        """The ids of the questions in the Reporter that begin so, each as often as it is there."""
        return [id_ for id_ in self._ids_in_the_reporter() if id_.startswith(prefix)]

    def _ids_in_the_reporter(self) -> Iterator[str]:
        query = these_days()
        while True:
            page = self.api("reporter").get("/v1/questions", params=query).raise_for_status().json()
            yield from (item["requestId"] for item in page["items"])
            if not page.get("nextCursor"):
                return
            query["cursor"] = page["nextCursor"]

    def mails(self) -> list[dict[str, Any]]:
        """What SES sent since the embedded AWS started."""
        return self.admin.mails()

    def waiting_in(self, queue: str) -> int:
        """Messages that nobody has received yet."""
        client = self.admin.client("sqs")
        url = client.get_queue_url(QueueName=f"{PREFIX}-{queue}")["QueueUrl"]
        name = "ApproximateNumberOfMessages"
        said = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        return int(said[name])

    def functions_of(self, service: str) -> list[str]:
        """Names of a service's deployed functions."""
        pages = self.admin.client("lambda").get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in pages for function in page["Functions"]]
        return [name for name in names if name.startswith(f"{PREFIX}-{service}-")]

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """Meanwhile nobody reads the queues and streams of a service.

        Nothing else may ask its functions: the emulator does not throttle what has an alias.
        """
        self._switch_sources(service, on=False)
        try:
            yield
        finally:
            self._switch_sources(service, on=True)

    def _switch_sources(self, service: str, *, on: bool) -> None:
        client = self.admin.client("lambda")
        for function in self.functions_of(service):
            found = client.list_event_source_mappings(FunctionName=f"{function}:live")
            for mapping in found["EventSourceMappings"]:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)


def pair(request_id: str, asked_at: int) -> list[dict[str, Any]]:
    """A question and its full answer."""
    common = {"requestId": request_id, "sessionId": f"s-{request_id}"}
    return [
        {"eventType": "query", "timestamp": asked_at, "query": "Do you know Go?", **common},
        {
            "eventType": "response",
            "timestamp": asked_at + 1,
            "matchType": "full",
            "matchScore": 90,
            "reasoning": "Yes.",
            **common,
        },
    ]


def these_days() -> dict[str, str]:
    """From yesterday to tomorrow, whatever the owner's time zone."""
    today = datetime.now(UTC).date()
    return {"from": f"{today - timedelta(days=1)}", "to": f"{today + timedelta(days=1)}"}


def eventually(claim: Callable[[], bool], what: str) -> None:
    """Wait until a claim holds; fail with what should have come true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(0.5)
