"""One story, told in order: the Reporter comes first, alone; at the end the Processor goes.

Each test continues where the one before it left the embedded AWS.
"""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from local import pipeline
from local.aws import administrator
from local.emulator import REGION, Emulator, free_port
from local.paths import INFRA, venv_python
from local.progress import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from local.aws import Caller

PREFIX = "cv-analytics-local"
DEADLINE_SECONDS = 120.0
TIMEOUT_SECONDS = 60.0
LOAD = 60


@dataclass
class Account:
    """An empty account, and what is deployed into it step by step."""

    emulator: Emulator
    admin: Caller
    home: Path
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def deploy(self, *units: str) -> None:
        running = self.emulator.running()
        assert running is not None
        pipeline.deploy(self.emulator, running, units, Steps())

    def api(self, service: str) -> httpx.Client:
        """Signed requests to a service, where its stack says that it is."""
        if service not in self.clients:
            name = f"/cv-analytics/local/{service}/api-url"
            found = self.admin.client("ssm").get_parameter(Name=name)
            self.clients[service] = httpx.Client(
                base_url=found["Parameter"]["Value"],
                auth=self.admin.signed("execute-api"),
                timeout=TIMEOUT_SECONDS,
                trust_env=False,
            )
        return self.clients[service]

    def invoke(self, function: str, payload: dict[str, Any]) -> None:
        said = self.admin.client("lambda").invoke(
            FunctionName=f"{PREFIX}-{function}", Qualifier="live", Payload=json.dumps(payload)
        )
        assert "FunctionError" not in said, said["Payload"].read()

    def operate(self, *arguments: str) -> str:
        """`python -m operate`, as the make targets call it."""
        outputs = self.home / "operate.json"
        known = {
            "awsEndpoint": self.admin.endpoint,
            "region": REGION,
            "accessKeyId": self.admin.access_key_id,
            "secretAccessKey": self.admin.secret_access_key,
        }
        outputs.write_text(json.dumps(known), encoding="utf-8")
        command = [str(venv_python(INFRA)), "-m", "operate", *arguments]
        answer = subprocess.run(
            [*command, "--stage", "local", "--outputs", str(outputs)],
            cwd=INFRA,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout
        return str(answer.stdout)

    def ask(self, request_ids: Sequence[str]) -> None:
        """Questions that are answered at once, through the API; each must be accepted."""
        api = self.api("processor")
        for request_id in request_ids:
            posted = api.post("/v1/events", json=asked_and_answered(request_id))
            assert posted.status_code == 202, posted.text
            assert len(posted.json()["accepted"]) == 2, posted.text

    def projected(self) -> int:
        """How many questions the Reporter has summarised."""
        today = datetime.now(UTC).date()
        query = {"from": f"{today - timedelta(days=1)}", "to": f"{today + timedelta(days=1)}"}
        said = self.api("reporter").get("/v1/summary", params=query).raise_for_status()
        return int(said.json()["totals"]["questions"])


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    home = tmp_path_factory.mktemp("account")
    emulator = Emulator(home)
    try:
        running = pipeline.start(emulator, Steps(), free_port())
        account = Account(emulator, administrator(running), home)
        yield account
        for client in account.clients.values():
            client.close()
    finally:
        emulator.stop()


def asked_and_answered(request_id: str) -> list[dict[str, Any]]:
    now = int(time.time() * 1000)
    common = {"requestId": request_id, "sessionId": f"s-{request_id}"}
    return [
        {"eventType": "query", "timestamp": now, "query": "Do you know Go?", **common},
        {
            "eventType": "response",
            "timestamp": now + 1,
            "matchType": "full",
            "matchScore": 90,
            "reasoning": "Yes.",
            **common,
        },
    ]


def ids(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def eventually(claim: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(0.5)


def last_week() -> str:
    year, week, _ = (datetime.now(UTC) - timedelta(days=7)).isocalendar()
    return f"{year}-W{week:02d}"


def test_the_reporter_deploys_first_into_an_empty_account_and_works(account: Account) -> None:
    account.deploy("reporter")
    reporter = account.api("reporter")
    assert reporter.get("/health").json()["service"] == "reporter"
    assert reporter.post(f"/v1/reports/{last_week()}").is_success


def test_then_the_processor_deploys_and_works_without_being_linked(account: Account) -> None:
    account.deploy("processor")
    account.ask(ids("unlinked", 3))
    processor = account.api("processor")
    eventually(
        lambda: all(processor.get(f"/v1/correlations/{i}").is_success for i in ids("unlinked", 3)),
        "the questions correlated",
    )
    assert account.projected() == 0


def test_then_the_links_join_them_and_reconciliation_brings_the_past(account: Account) -> None:
    account.deploy("reporter-links")
    account.ask(ids("linked", 3))
    eventually(lambda: account.projected() == 3, "the new questions in the Reporter")
    account.invoke("reporter-reconcile", {"days": 2})
    eventually(lambda: account.projected() == 6, "the earlier questions in the Reporter")


def test_what_arrives_while_the_reporter_is_stopped_arrives_later(account: Account) -> None:
    before = account.projected()
    client = account.admin.client("lambda")
    function = f"{PREFIX}-reporter-project:live"
    [mapping] = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    account.ask(ids("stopped", 10))
    processor = account.api("processor")
    eventually(
        lambda: processor.get("/v1/correlations/stopped-9").is_success, "the last one correlated"
    )
    assert account.projected() == before
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    eventually(lambda: account.projected() == before + 10, "all of them in the Reporter")


def test_a_rollback_under_load_loses_nothing_and_counts_nothing_twice(account: Account) -> None:
    before = account.projected()
    publish_another_version(account, "processor")
    load = ids("load", LOAD)
    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(account.ask, load[start::4]) for start in range(4)]
        said = account.operate("rollback", "processor")
        for part in sending:
            part.result()
    assert "version 2 (1.0.1 next) -> 1 (" in said
    eventually(lambda: account.projected() >= before + LOAD, "all questions in the Reporter")
    account.invoke("reporter-reconcile", {"days": 2})
    assert account.projected() == before + LOAD
    assert live_versions(account, "processor") == {"1"}


def test_without_the_processor_the_reporter_still_reports_and_says_so(account: Account) -> None:
    before = account.projected()
    account.operate("destroy", "processor", "--yes")
    assert account.projected() == before
    reporter = account.api("reporter")
    year, week, _ = datetime.now(UTC).isocalendar()
    path = f"/v1/reports/{year}-W{week:02d}"
    assert reporter.post(path).is_success
    text = reporter.get(path, headers={"accept": "text/plain"}).raise_for_status().text
    assert "did not answer" in " ".join(text.split())
    assert reporter.get("/dashboard").status_code in (200, 401, 403)


def functions_of(account: Account, service: str) -> list[str]:
    pages = account.admin.client("lambda").get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    return [name for name in names if name.startswith(f"{PREFIX}-{service}-")]


def publish_another_version(account: Account, service: str) -> None:
    """What a deployment of other code does to the functions, without building any."""
    client = account.admin.client("lambda")
    for function in functions_of(account, service):
        client.update_function_configuration(FunctionName=function, Description="next")
        version = client.publish_version(FunctionName=function, Description="1.0.1 next")
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=version["Version"])


def live_versions(account: Account, service: str) -> set[str]:
    client = account.admin.client("lambda")
    return {
        client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        for function in functions_of(account, service)
    }
