"""Kinds of input that once failed, by every way in: no secret is stored, no question is lost."""

from __future__ import annotations

import json
import re
import time
from itertools import cycle
from typing import TYPE_CHECKING, Any

from cv_contracts import webhook
from cv_contracts.chatbot import QuestionAnswered, QuestionAsked

from tests.system.conftest import answer, eventually, question
from tools.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.demo.system import DeployedSystem

KINDS = ROOT / "services/processor/tests/data/input-kinds.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in KINDS.read_text("utf-8").splitlines()]
ASKED_AT = 1_744_020_000_000  # 2025-04-07 10:00 UTC
DAY = "2025-04-07"
KEYS, KEY = "/cv-analytics/local/processor/webhook-keys", "k" * 64
SECRET = re.compile(r"\d{5,}|[^\W\d_]{4,}")
# Times, UUIDs and hashes hold any five digits by chance, such as 1744020077000 the 07700.
NUMBERS_OF_OURS = re.compile(
    r"\b1\d{9}(?:\d{3})?\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|[0-9a-f]{16,}"
)
BY_CHANCE = 5


def secrets() -> set[str]:
    """The words that redaction has to take out of the cases, and that no case keeps."""
    kept = " ".join(case.get("redacted", case["text"]) for case in CASES)
    words = {word for case in CASES for word in SECRET.findall(case["text"])}
    return {word for word in words if word not in kept}


def events() -> list[tuple[dict[str, object], dict[str, object]]]:
    """A question in the words of each case, and an answer that quotes them."""
    return [
        (
            question(f"kind-{number}", at) | {"query": case["text"]},
            answer(f"kind-{number}", at) | {"reasoning": case["text"]},
        )
        for number, case in enumerate(CASES)
        for at in [ASKED_AT + number * 1_000]
    ]


def by_queue(system: DeployedSystem, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for event in pair:
        system.send_to_queue(event)


def by_http(system: DeployedSystem, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert system.send_to_api(list(pair)) == len(pair)


def by_webhook(system: DeployedSystem, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    system.account.client("ssm").put_parameter(
        Name=KEYS, Type="SecureString", Overwrite=True, Value=json.dumps({"current": KEY})
    )
    body = json.dumps(pair).encode()
    headers = webhook.sign(KEY, int(time.time()), body) | {"content-type": "application/json"}
    taken = system.processor.post(webhook.PATH, content=body, headers=headers).raise_for_status()
    assert len(taken.json()["accepted"]) == len(pair)


def by_bus(system: DeployedSystem, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    client = system.account.client("events")
    names = [bus["Name"] for bus in client.list_event_buses()["EventBuses"]]
    (bus,) = [name for name in names if name.endswith("-processor")]
    entries = [
        QuestionAsked.read(pair[0]).to_entry(bus),
        QuestionAnswered.read(pair[1]).to_entry(bus),
    ]
    assert client.put_events(Entries=entries)["FailedEntryCount"] == 0


WAYS: tuple[Callable[..., None], ...] = (by_queue, by_http, by_webhook, by_bus)


def stored(system: DeployedSystem) -> str:
    """Everything that the tables of both services hold, what was published included."""
    client = system.account.client("dynamodb")
    pages = [
        page
        for name in client.list_tables()["TableNames"]
        for page in client.get_paginator("scan").paginate(TableName=name)
    ]
    return json.dumps([page["Items"] for page in pages], ensure_ascii=False, default=str)


def test_100_inputs_by_four_ways_become_correlations_without_a_secret(
    system: DeployedSystem,
) -> None:
    assert len(CASES) >= 100
    for way, pair in zip(cycle(WAYS), events(), strict=False):
        way(system, pair)
    wanted = {f"kind-{number}" for number in range(len(CASES))}
    eventually(lambda: set(system.correlations(DAY, DAY)) >= wanted, "all halves correlated")
    eventually(lambda: system.projected(DAY, DAY) >= len(CASES), "all published and projected")
    everything = stored(system)
    words = NUMBERS_OF_OURS.sub("", everything)
    assert [
        secret
        for secret in sorted(secrets())
        if secret in (words if secret.isdigit() and len(secret) == BY_CHANCE else everything)
    ] == []
    assert "[name]" in everything
    for number, case in enumerate(CASES):
        shown = system.processor.get(f"/v1/correlations/kind-{number}").raise_for_status().json()
        assert shown["question"] == case.get("redacted", shown["question"]).strip()
