"""The REST API over the in-process AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from cv_contracts.digest import day_digest
from cv_contracts.events import Correlation
from cv_contracts.rest import CorrelationPage, Problem, Submission
from fastapi.testclient import TestClient

from cv_processor import __version__
from cv_processor.domain.days import order_of
from cv_processor.entrypoints.api import create_app, handler
from tests.component.test_erasure import run_erasures
from tests.component.world import TABLE, World, aws
from tests.events import ASKED, query, response, sample

DAY_MS = 86_400_000


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def queued(world: World) -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in world.messages("INGEST")]


def fill(world: World) -> None:
    events = sample()
    for start in range(0, len(events), 10):
        world.ingest(*events[start : start + 10])
    world.expire()


def test_health_tells_what_is_running(api: TestClient) -> None:
    health = api.get("/health").json()
    assert health["service"] == "processor"
    assert health["version"] == __version__


def test_one_event_is_queued(api: TestClient, world: World) -> None:
    answer = api.post("/v1/events", json=query())
    assert answer.status_code == 202
    assert Submission.read(answer.json()).accepted[0].request_id == "q-1"
    assert queued(world) == [query()]
    (message,) = world.messages("INGEST")
    assert message.group_id == "q-1"


@pytest.mark.parametrize("wrap", [lambda events: events, lambda events: {"events": events}])
def test_many_events_are_queued_and_the_bad_ones_named(
    api: TestClient, world: World, wrap: Any
) -> None:
    events = [query(), response(matchScore=101), response(), {"eventType": "shout"}, 7]
    answer = api.post("/v1/events", json=wrap(events))
    submission = Submission.read(answer.json())
    assert [each.index for each in submission.accepted] == [0, 2]
    assert [each.index for each in submission.rejected] == [1, 3, 4]
    assert "matchScore" in submission.rejected[0].reason
    assert len(queued(world)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"",
        b"{}",
        b"[]",
        b"7",
        b'"text"',
        json.dumps(response(matchScore=101)).encode(),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(api: TestClient, body: bytes) -> None:
    answer = api.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.read(answer.json())
    assert problem.detail or problem.errors


def test_more_than_a_hundred_events_are_refused(api: TestClient, world: World) -> None:
    answer = api.post("/v1/events", json=[query(f"q-{n}") for n in range(101)])
    assert answer.status_code == 422
    assert queued(world) == []


def in_pieces(body: bytes) -> Iterator[bytes]:
    yield from (body[start : start + 4_096] for start in range(0, len(body), 4_096))


@pytest.mark.parametrize("sent", [bytes, in_pieces], ids=["length declared", "chunked"])
def test_a_large_body_is_refused_with_the_remedy(
    api: TestClient, world: World, sent: Callable[[bytes], Any]
) -> None:
    body = json.dumps(query(query="x" * 1_000_000)).encode()
    answer = api.post(
        "/v1/events", content=sent(body), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "larger than 64 KiB: send fewer events" in str(Problem.read(answer.json()).detail)
    assert queued(world) == []


def test_another_media_type_is_refused(api: TestClient) -> None:
    answer = api.post("/v1/events", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def test_a_correlation_is_found_and_its_etag_spares_the_body(api: TestClient, world: World) -> None:
    world.ingest(query(), response())
    answer = api.get("/v1/correlations/q-1")
    assert Correlation.read(answer.json()).outcome == "partial"
    again = api.get("/v1/correlations/q-1", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_open_or_unknown_correlation_is_not_found(api: TestClient, world: World) -> None:
    world.ingest(query())
    for request_id in ("q-1", "q-2"):
        answer = api.get(f"/v1/correlations/{request_id}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def pages(api: TestClient, **filters: Any) -> list[Correlation]:
    found: list[Correlation] = []
    while True:
        answer = api.get("/v1/correlations", params=filters)
        assert answer.status_code == 200, answer.text
        page = CorrelationPage.read(answer.json())
        found += page.items
        if page.next_cursor is None:
            return found
        filters["cursor"] = page.next_cursor


SAMPLE = {"from": 1_762_128_000_000, "to": 1_763_337_600_000}


def test_the_pages_list_every_correlation_once_oldest_first(api: TestClient, world: World) -> None:
    fill(world)
    found = pages(api, limit=7, **SAMPLE)
    assert len({each.request_id for each in found}) == len(found) == 40
    assert [each.asked_at for each in found] == sorted(each.asked_at for each in found)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"outcome": "no_response"}, 5),
        ({"skill": "kubernetes"}, 5),
        ({"sessionId": "s07"}, 3),
        ({"sessionId": "anonymous"}, 1),
        ({"sessionId": "s07", "outcome": "none"}, 0),
        ({"from": 1_763_032_320_110, "to": 1_763_032_500_147}, 1),
    ],
)
def test_filters_select(api: TestClient, world: World, filters: dict[str, Any], count: int) -> None:
    fill(world)
    assert len(pages(api, limit=2, **(SAMPLE | filters))) == count


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_parked_halves_do_not_end_the_list_of_a_session(
    api: TestClient, world: World, limit: int
) -> None:
    """They stand between its questions in the index, and may be all that a page of keys has."""
    world.ingest(query(), response())
    for number in range(1, 4):
        world.ingest(query(query=f"version {number}?", timestamp=ASKED + number))
    world.ingest(query("q-2", timestamp=ASKED + 10), response("q-2"))
    found = pages(api, sessionId="s01", limit=limit)
    assert [each.request_id for each in found] == ["q-1", "q-2"]


def test_more_parked_halves_than_a_page_of_keys_do_not_end_it_either(
    api: TestClient, world: World
) -> None:
    between = {"sessionId": {"S": "s01"}, "askedOrder": {"N": str(order_of(ASKED + 5))}}
    for number in range(101):
        key = {"pk": {"S": "REQ#q-1"}, "sk": {"S": f"CONFLICT#{number}"}}
        aws("dynamodb").put_item(TableName=TABLE, Item=key | between)
    world.ingest(query("q-2", timestamp=ASKED + 10), response("q-2"))
    assert [each.request_id for each in pages(api, sessionId="s01")] == ["q-2"]


@pytest.mark.parametrize(
    "cursor", ["é", "bmV4dA", "W10", "e30", "WyIyMDI1LTExLTAzIixbWzAsInEiLDFdXV0"]
)
def test_what_is_no_cursor_is_refused(api: TestClient, world: World, cursor: str) -> None:
    fill(world)
    answer = api.get("/v1/correlations", params={"limit": 3, **SAMPLE, "cursor": cursor})
    assert answer.status_code == 422
    assert cursor not in answer.text


def test_a_cursor_that_starts_elsewhere_shows_what_the_filters_select(
    api: TestClient, world: World
) -> None:
    fill(world)
    cursor = api.get("/v1/correlations", params={"limit": 3, **SAMPLE}).json()["nextCursor"]
    found = api.get("/v1/correlations", params={**SAMPLE, "cursor": cursor, "outcome": "full"})
    assert {item["outcome"] for item in found.json()["items"]} == {"full"}


def test_a_day_has_its_count_and_digest(api: TestClient, world: World) -> None:
    world.ingest(query(), response(), query("q-2", timestamp=ASKED + DAY_MS))
    world.expire()
    day = api.get("/v1/days/2025-11-03").json()
    assert day == {"day": "2025-11-03", "correlations": 1, "digest": day_digest([("q-1", 1)])}
    assert api.get("/v1/days/2025-11-05").json()["correlations"] == 0
    assert api.get("/v1/days/2025-13-05").status_code == 422


def test_errors_are_problems(api: TestClient) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/events", 405),
        ("GET", "/v1/correlations?limit=0", 422),
        ("GET", "/v1/correlations/%01", 422),
    ):
        answer = api.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert Problem.read(answer.json()).status == status


def test_a_parameter_that_does_not_exist_is_refused_without_its_name(api: TestClient) -> None:
    answer = api.get("/v1/correlations", params={"jane@acme.example": "1"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == ["a parameter that is not declared"]


def test_lambda_serves_the_same_app(world: World) -> None:
    event = {
        "version": "2.0",
        "routeKey": "GET /health",
        "rawPath": "/health",
        "rawQueryString": "",
        "headers": {"host": "api.example"},
        "requestContext": {
            "http": {
                "method": "GET",
                "path": "/health",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
            },
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    assert handler(event, None)["statusCode"] == 200


def test_the_documentation_is_openapi_3_1(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert api.get("/docs").status_code == 200


RAW_IDS = ("-MxYzAbCdEf", "frage 7", "naïve-id", "x" * 256)


@pytest.mark.parametrize("raw", RAW_IDS)
def test_paths_take_the_id_that_the_chatbot_sent_and_the_stored_one(
    api: TestClient, world: World, raw: str
) -> None:
    world.ingest(query(raw), response(raw))
    answer = api.get(f"/v1/correlations/{quote(raw)}")
    assert answer.status_code == 200
    stored_id = answer.json()["requestId"]
    assert stored_id != raw
    assert api.get(f"/v1/correlations/{stored_id}").json() == answer.json()
    assert api.get(f"/v1/correlations/{quote(raw)}/conflicts").status_code == 200


@pytest.mark.parametrize("raw", RAW_IDS)
def test_a_session_is_erased_by_the_id_that_the_chatbot_sent(
    api: TestClient, world: World, raw: str
) -> None:
    world.ingest(query("q1", sessionId=raw), response("q1", sessionId=raw))
    assert api.delete(f"/v1/sessions/{quote(raw)}").status_code == 202
    run_erasures(world)
    assert "question" not in api.get("/v1/correlations/q1").json()


@pytest.mark.parametrize("raw", RAW_IDS)
def test_a_question_is_erased_by_the_id_that_the_chatbot_sent(
    api: TestClient, world: World, raw: str
) -> None:
    world.ingest(query(raw), response(raw))
    assert api.delete(f"/v1/correlations/{quote(raw)}").status_code == 202
    run_erasures(world)
    assert api.get(f"/v1/correlations/{quote(raw)}").status_code == 404


def test_an_id_of_more_than_256_characters_is_refused(api: TestClient) -> None:
    assert api.get("/v1/correlations/" + "x" * 257).status_code == 422


@pytest.mark.parametrize("path", ["/v1/events", "/v1/webhooks/events", "/v1/correlations"])
def test_a_browser_of_another_origin_is_given_no_permission(api: TestClient, path: str) -> None:
    """Why: README, "Browser clients"."""
    asked = {"origin": "https://cv.example", "access-control-request-method": "POST"}
    for method in ("OPTIONS", "POST", "GET"):
        answer = api.request(method, path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert api.options(path, headers=asked).status_code == 405
