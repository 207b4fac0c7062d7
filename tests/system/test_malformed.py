"""What is wrong is refused with a reason, or parked; it never stops what is right."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.conftest import answer, dead_letters, eventually, question

if TYPE_CHECKING:
    import httpx

    from tools.demo.system import DeployedSystem

ASKED_AT = 1_748_772_000_000  # 2025-06-01 10:00 UTC
DAY = "2025-06-01"
ID = "11111111-2222-4333-8444-555555555555"
DLQ = "processor-ingest-dlq.fifo"

WRONG: dict[str, str] = {
    "no JSON": "query=hello",
    "an unknown event type": json.dumps(question(ID, ASKED_AT) | {"eventType": "guess"}),
    "a score of 101": json.dumps(answer(ID, ASKED_AT, score=101)),
    "a score that is no number": json.dumps(answer(ID, ASKED_AT) | {"matchScore": "high"}),
    "no request id": json.dumps(
        {k: v for k, v in question(ID, ASKED_AT).items() if k != "requestId"}
    ),
}

LONG = json.dumps(question(ID, ASKED_AT) | {"query": "x" * 200_000})


@pytest.mark.parametrize("kind", WRONG)
def test_http_refuses_with_a_reason(system: DeployedSystem, kind: str) -> None:
    refused = system.processor.post(
        "/v1/events", content=WRONG[kind], headers={"content-type": "application/json"}
    )
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem.get("detail") or problem["errors"]


def test_http_refuses_a_body_of_more_than_64_kib(system: DeployedSystem) -> None:
    refused = system.processor.post(
        "/v1/events", content=LONG, headers={"content-type": "application/json"}
    )
    assert refused.status_code == 413
    assert "64 KiB" in refused.json()["detail"]


def test_the_queue_parks_it_while_all_others_pass(system: DeployedSystem) -> None:
    good = [str(uuid.uuid4()) for _ in range(10)]
    for number, request in enumerate(good):
        moment = ASKED_AT + number * 60_000
        system.send_to_queue(question(request, moment))
        _send_raw(system, list(WRONG.values())[number % len(WRONG)], number)
        system.send_to_queue(answer(request, moment))
    eventually(lambda: set(good) <= set(system.correlations(DAY, DAY)), "the good ones correlated")
    eventually(lambda: _bodies(system) >= set(WRONG.values()), "the bad ones parked")
    assert all(system.correlations(DAY, DAY)[request] == 1 for request in good)


def _bodies(system: DeployedSystem) -> set[str]:
    return {str(message["Body"]) for message in dead_letters(system, DLQ)}


def _send_raw(system: DeployedSystem, body: str, number: int) -> httpx.Response:
    form: dict[str, Any] = {
        "Action": "SendMessage",
        "Version": "2012-11-05",
        "MessageBody": body,
        "MessageGroupId": "analytics",
        "MessageDeduplicationId": f"wrong-{number}",
    }
    return system.queue.post(system.outputs["ingestQueueUrl"], data=form).raise_for_status()
