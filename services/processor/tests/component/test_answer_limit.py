"""Lambda answers with at most 6 MB: pages end before that, and what has none is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from cv_processor.adapters.items import to_item
from cv_processor.domain.correlation import Correlation, Query, Response
from cv_processor.domain.values import MatchType
from cv_processor.entrypoints.api import create_app
from cv_processor.entrypoints.api.answer_limit import (
    ENVELOPE_BYTES,
    MAX_PAYLOAD_BYTES,
    REMEDY,
    fits,
)
from tests.component.world import TABLE, World, aws
from tests.events import ASKED

QUESTIONS = 130


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def hostile(world: World) -> World:
    """Questions whose texts are as long as they may be, of characters that take most bytes."""
    for number in range(QUESTIONS):
        text = ("\U0001f600" if number % 2 else '"') * 4_000
        answer = Response(
            at=ASKED,
            match=MatchType.NONE,
            score=0,
            digest="r",
            reasoning=text,
            sources=(text[:200],) * 50,
        )
        asked = Query(at=ASKED + number, text=text, digest="q")
        item = to_item(Correlation(f"q-{number}", asked, answer), shards=1, ttl=2**31)
        aws("dynamodb").put_item(TableName=TABLE, Item=item)
    return world


def payload_bytes(body: bytes) -> int:
    """As Lambda's runtime writes it."""
    return len(json.dumps(body.decode(), ensure_ascii=False).encode())


def test_a_page_of_the_largest_questions_ends_early_and_leads_to_all_others(
    api: TestClient, hostile: World
) -> None:
    found: list[str] = []
    parameters = {"from": str(ASKED - 1), "limit": "100"}
    while True:
        answer = api.get("/v1/correlations", params=parameters)
        assert answer.status_code == 200
        assert payload_bytes(answer.content) < MAX_PAYLOAD_BYTES - ENVELOPE_BYTES
        page = answer.json()
        found += [item["requestId"] for item in page["items"]]
        if "nextCursor" not in page:
            break
        parameters["cursor"] = page["nextCursor"]
    assert sorted(found) == sorted(f"q-{number}" for number in range(QUESTIONS))


def test_an_answer_without_pages_that_is_too_large_is_refused_with_the_way_to_get_it(
    api: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cv_processor.entrypoints.api.answer_limit.MAX_PAYLOAD_BYTES", 16 * 1024)
    answer = api.get("/health")
    assert (answer.status_code, answer.json()["detail"]) == (422, REMEDY)
    monkeypatch.undo()
    assert api.get("/health").status_code == 200


@given(st.binary(max_size=200))
def test_the_size_of_a_body_is_that_of_its_json_text(part: bytes) -> None:
    text = part.decode("latin-1").translate({n: None for n in range(32) if chr(n) not in "\n\r\t"})
    room = MAX_PAYLOAD_BYTES - ENVELOPE_BYTES
    body = text.encode() + b"x" * (room - payload_bytes(text.encode()) + 2)
    assert fits(body)
    assert not fits(body + b"x")
