"""Lambda answers with at most 6 MB: pages end before that, and what has none is refused."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.api import create_app
from cv_reporter.entrypoints.api.answer_limit import ENVELOPE_BYTES, MAX_PAYLOAD_BYTES, REMEDY
from tests.component.world import World
from tests.sample import fact

QUESTIONS = 150
DAY = {"from": "2025-11-10", "to": "2025-11-10"}


@pytest.fixture
def api(world: World) -> TestClient:
    """Questions whose texts are as long as they may be, of characters that take most bytes."""
    texts = ["\U0001f600" * 4_000, '"' * 4_000]
    facts = [
        fact(n, question=texts[n % 2], reasoning=texts[n % 2], sources=(texts[n % 2][:200],) * 50)
        for n in range(QUESTIONS)
    ]
    assert services().fact_store.record(facts) == [None] * QUESTIONS
    return TestClient(create_app(), raise_server_exceptions=False)


def test_a_page_of_the_largest_questions_ends_early_and_leads_to_all_others(
    api: TestClient,
) -> None:
    found: list[str] = []
    parameters = {**DAY, "limit": "100"}
    while True:
        answer = api.get("/v1/questions", params=parameters)
        assert answer.status_code == 200
        payload = json.dumps(answer.content.decode(), ensure_ascii=False).encode()
        assert len(payload) < MAX_PAYLOAD_BYTES - ENVELOPE_BYTES
        page = answer.json()
        found += [item["requestId"] for item in page["items"]]
        if not page.get("nextCursor"):
            break
        parameters["cursor"] = page["nextCursor"]
    assert sorted(found) == sorted(f"r{number}" for number in range(QUESTIONS))


def test_an_export_that_is_too_large_is_refused_with_the_way_to_get_it(api: TestClient) -> None:
    answer = api.get("/v1/export.csv", params=DAY)
    assert (answer.status_code, answer.json()["detail"]) == (422, REMEDY)
    few = api.get("/v1/export.csv", params={**DAY, "text": "nothing of them"})
    assert few.status_code == 200
