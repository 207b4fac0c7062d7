"""One story, told in order: the Reporter comes first, alone; at the end the Processor goes.

Each test continues where the one before it left the embedded AWS.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.deployment.account import Site, eventually, pair
from tests.owner import signed_in
from tools.build.progress import Steps
from tools.demo.system import dashboard_link
from tools.deploy import stacks
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_MS = 3_600_000
# Sixty times the busiest hour of the sample data: one question in fifteen seconds.
HOUR_QUESTIONS = 240
SENDERS = 4
# Questions that must be under way before the rollback starts, and come after it has ended.
AROUND = 12
NEXT = "1.0.1"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("account")
    emulator = Emulator(home, SAVE_RARELY)
    try:
        account = Site(emulator, stacks.start(emulator, Steps(), free_port()), home)
        yield account
        for client in account.clients.values():
            client.close()
    finally:
        emulator.stop()


def ids(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def iso_week(day: datetime) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def last_week() -> str:
    return iso_week(datetime.now(UTC) - timedelta(days=7))


def test_the_reporter_deploys_first_into_an_empty_account_and_works(account: Site) -> None:
    account.deploy("reporter")
    reporter = account.api("reporter")
    assert reporter.get("/health").json()["service"] == "reporter"
    assert reporter.post(f"/v1/reports/{last_week()}").is_success


def test_then_the_processor_deploys_and_works_without_being_linked(account: Site) -> None:
    account.deploy("processor")
    account.ask(ids("unlinked", 3))
    processor = account.api("processor")
    eventually(
        lambda: all(processor.get(f"/v1/correlations/{i}").is_success for i in ids("unlinked", 3)),
        "the questions correlated",
    )
    # What is published after the links are there would reach the Reporter.
    eventually(lambda: account.published() >= set(ids("unlinked", 3)), "the questions published")
    assert account.projected() == 0


def test_then_the_links_join_them_and_reconciliation_brings_the_past(account: Site) -> None:
    account.deploy("reporter-links")
    account.ask(ids("linked", 3))
    eventually(lambda: account.projected() == 3, "the new questions in the Reporter")
    account.invoke("reporter-reconcile", {"days": 2})
    eventually(lambda: account.projected() == 6, "the earlier questions in the Reporter")


def test_an_hour_of_traffic_during_which_the_reporter_is_stopped_arrives_later(
    account: Site,
) -> None:
    before = account.projected()
    ended = int(time.time() * 1000)
    hour = ids("hour", HOUR_QUESTIONS)
    times = range(ended - HOUR_MS, ended, HOUR_MS // HOUR_QUESTIONS)
    with account.stopped("reporter"):
        account.post([half for asked in zip(hour, times, strict=True) for half in pair(*asked)])
        eventually(
            lambda: account.waiting_in("reporter-facts") == HOUR_QUESTIONS,
            "the hour's questions in the stopped Reporter's queue",
        )
    eventually(lambda: account.projected() >= before + HOUR_QUESTIONS, "the hour in the Reporter")
    account.invoke("reporter-reconcile", {"days": 2})
    assert account.projected() == before + HOUR_QUESTIONS
    assert sorted(account.reported("hour-")) == sorted(hour)
    assert account.waiting_in("reporter-facts-dlq") == 0


@dataclass
class Load:
    """Visitors who ask one question after the other until they are told to stop."""

    account: Site
    asked: list[str] = field(default_factory=list)
    enough: Event = field(default_factory=Event)

    def keep_asking(self, visitor: int) -> None:
        number = 0
        while not self.enough.is_set():
            request_id = f"load-{visitor}-{number}"
            self.account.ask([request_id])
            self.asked.append(request_id)
            number += 1

    def until(self, count: int) -> None:
        eventually(lambda: len(self.asked) >= count, f"{count} questions accepted")


def test_a_rollback_under_load_loses_nothing_and_counts_nothing_twice(account: Site) -> None:
    before = account.projected()
    deployed = account.api("processor").get("/health").json()["version"]
    deploy_another_version(account, "processor")
    assert account.api("processor").get("/health").json()["version"] == NEXT
    load = Load(account)
    with ThreadPoolExecutor(SENDERS) as senders:
        sending = [senders.submit(load.keep_asking, visitor) for visitor in range(SENDERS)]
        load.until(AROUND)
        said = account.operate("rollback", "processor")
        load.until(len(load.asked) + AROUND)
        load.enough.set()
        for visitor in sending:
            visitor.result()
    count = len(load.asked)
    assert f"version 2 ({NEXT} next) -> 1 ({deployed} " in said
    [seconds] = re.findall(r"functions moved in (\d+\.\d) s", said)
    assert float(seconds) < 30
    # Before reconciliation, which would mend a loss: nothing is lost on the way.
    eventually(lambda: account.projected() >= before + count, "all questions in the Reporter")
    account.invoke("reporter-reconcile", {"days": 2})
    assert account.projected() == before + count
    assert sorted(account.reported("load-")) == sorted(load.asked)
    assert live_versions(account, "processor") == {"1"}
    assert account.api("processor").get("/health").json()["version"] == deployed


def test_without_the_processor_the_reporter_still_reports_and_says_so(account: Site) -> None:
    before = account.projected()
    account.operate("destroy", "processor", "--yes")
    assert account.functions_of("processor") == []
    assert account.projected() == before
    reporter = account.api("reporter")
    path = f"/v1/reports/{iso_week(datetime.now(UTC))}"
    assert reporter.post(path, params={"send": "true"}).is_success
    report = reporter.get(path, headers={"accept": "text/plain"}).raise_for_status().text
    [mail] = account.mails()
    for text in (report, mail["BodyText"]):
        assert "! Not checked against the Processor" in one_line(text)
        assert "Questions may be missing." in one_line(text)
    with signed_in(dashboard_link([mail])) as owner:
        board = owner.browser.get(owner.board)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            owner.erase("s-linked-0")
    assert board.is_success
    told = one_line(board.text)
    assert re.search(r"Not compared with the Processor on .{5,40}: ", told)
    assert "Questions may be missing." in told
    assert f"{before:,}" in board.text
    answer = refused.value.response
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "The Processor did not answer" in answer.text
    assert "Nothing was changed" in answer.text


def one_line(text: str) -> str:
    return " ".join(text.split())


def deploy_another_version(account: Site, service: str) -> None:
    """What a deployment of other code does to the functions, without building any."""
    client = account.admin.client("lambda")
    for function in account.functions_of(service):
        known = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        variables: dict[str, Any] = known | {"SERVICE_VERSION": NEXT}
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": variables}
        )
        version = client.publish_version(FunctionName=function, Description=f"{NEXT} next")
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=version["Version"])


def live_versions(account: Site, service: str) -> set[str]:
    client = account.admin.client("lambda")
    return {
        client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        for function in account.functions_of(service)
    }
