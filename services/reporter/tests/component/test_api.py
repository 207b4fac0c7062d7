"""The HTTP API over moto's AWS: reports, questions, notes, and errors that tell nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import pytest
from cv_contracts.tracing import trace_id
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from cv_reporter.entrypoints.api import create_app
from tests.component.world import World
from tests.faults.faults import Fault, Injector, injected
from tests.sample import chatbot_events, completed, correlations

WEEK = "from=2025-11-10&to=2025-11-16"


@pytest.fixture
def api(busy: World) -> TestClient:
    """The API of a Reporter that has seen the sample."""
    return TestClient(create_app())


def test_a_report_comes_in_four_forms_by_suffix_or_accept(api: TestClient) -> None:
    api.post("/v1/reports/2025-W46")
    kinds = {
        "json": "application/json",
        "html": "text/html",
        "txt": "text/plain",
        "csv": "text/csv",
    }
    for suffix, media_type in kinds.items():
        by_suffix = api.get(f"/v1/reports/2025-W46.{suffix}")
        by_accept = api.get("/v1/reports/2025-W46", headers={"accept": media_type})
        assert by_suffix.headers["content-type"].startswith(media_type)
        assert by_suffix.text == by_accept.text
    assert api.get("/v1/reports").json()["items"][0]["week"] == "2025-W46"


def test_a_report_that_is_known_is_not_sent_again(api: TestClient) -> None:
    api.post("/v1/reports/2025-W46")
    tag = api.get("/v1/reports/2025-W46").headers["etag"]
    again = api.get("/v1/reports/2025-W46", headers={"if-none-match": tag})
    assert (again.status_code, again.text) == (304, "")


def test_building_a_report_twice_gives_the_same_bytes(api: TestClient) -> None:
    assert api.post("/v1/reports/2025-W46").text == api.post("/v1/reports/2025-W46").text


def test_unknown_weeks_and_forms_are_problems(api: TestClient) -> None:
    for path, status in (
        ("/v1/reports/2025-W44", 404),
        ("/v1/reports/2025-W53", 422),
        ("/v1/reports/<script>", 422),
        ("/v1/reports/2025-W46.exe", 404),
        ("/v1/nothing", 404),
    ):
        answer = api.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert "script" not in answer.text


@pytest.mark.parametrize(
    "week",
    [
        "2025-W60",
        "2021-W53",
        "2025-W00",
        "+025-W01",
        "2025-W 1",
        "2_25-W01",
        "0001-W01",
        "9999-W52",
    ],
)
def test_what_is_no_week_is_refused_and_nothing_is_built(api: TestClient, week: str) -> None:
    answer = api.post(f"/v1/reports/{week}")
    assert (answer.status_code, api.get("/v1/reports").json()["items"]) == (422, [])


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-02"), ("9999-12-31",) * 2])
def test_days_at_the_ends_of_the_calendar_are_refused(
    api: TestClient, first: str, last: str
) -> None:
    for path in ("summary", "questions", "export.csv"):
        assert api.get(f"/v1/{path}?from={first}&to={last}").status_code == 422
    note = {"date": first, "text": "when?", "skill": "Go"}
    assert api.post("/v1/annotations", json=note).status_code == 422
    assert api.get("/v1/annotations").json() == []


def test_what_cannot_be_seen_is_no_note_and_no_skill(api: TestClient) -> None:
    unseen = "\u200b\u202e "
    note = {"date": "2025-11-10", "text": unseen}
    assert api.post("/v1/annotations", json=note).status_code == 422
    assert api.put("/v1/cv-skills", json={"skills": ["Go", unseen]}).status_code == 422


def test_a_summary_covers_any_days_and_can_leave_attacks_out(api: TestClient) -> None:
    whole = api.get(f"/v1/summary?{WEEK}").json()
    assert whole["totals"]["questions"] == 28
    assert whole["previous"]["questions"] == 12
    without = api.get(f"/v1/summary?{WEEK}&attacks=false").json()
    assert (without["totals"]["questions"], without["totals"]["meanScore"]) == (27, 62.8)
    assert api.get("/v1/summary?from=2025-11-16&to=2025-11-10").status_code == 422
    assert api.get("/v1/summary?from=2025-11-16&to=yesterday").status_code == 422


def test_questions_page_through_newest_first_without_gaps_or_repeats(api: TestClient) -> None:
    seen: list[str] = []
    url = f"/v1/questions?{WEEK}&limit=7"
    cursor = ""
    while True:
        page = api.get(url + cursor).json()
        seen += [item["requestId"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    expected = [each["requestId"] for each in correlations(chatbot_events())][12:]
    assert seen == expected[::-1]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("outcome=no_response", 3),
        ("skill=Kubernetes", 4),
        ("intent=prompt_attack", 1),
        ("sessionId=s06", 3),
        ("text=graphql", 2),
        ("audience=bot", 0),
        ("everybody=true", 28),
    ],
)
def test_questions_are_filtered(api: TestClient, wanted: str, count: int) -> None:
    assert len(api.get(f"/v1/questions?{WEEK}&{wanted}").json()["items"]) == count


@pytest.mark.parametrize("cursor", ["x", "!!!!", "MTIzI2E", "4pyT4pyT", "MDAwMDAwMDAwMDAwMCM"])
def test_a_made_up_cursor_is_refused(api: TestClient, cursor: str) -> None:
    assert api.get(f"/v1/questions?{WEEK}&cursor={cursor}").status_code == 422


def test_exported_cells_are_no_formulas(world: World) -> None:
    document = correlations(chatbot_events())[20]
    formula = '=HYPERLINK("https://evil.example","x")'
    world.deliver([completed(document | {"question": formula, "refererHost": "@evil"})])
    answer = TestClient(create_app()).get(f"/v1/export.csv?{WEEK}")
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row["question"] == "'" + formula
    assert row["referer_host"] == "'@evil"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_an_annotation_shows_its_skill_before_and_after(api: TestClient) -> None:
    note = {"date": "2025-11-10", "text": "added a Helm project", "skill": "Kubernetes"}
    first = api.post("/v1/annotations", json=note)
    assert first.status_code == 201
    assert first.json()["before"].startswith("0 of 1 in full")
    assert first.json()["after"].startswith("0 of 4 in full: 0.0 % (95 % sure: 0.0–49.0 %)")
    assert api.post("/v1/annotations", json=note).json() == first.json()
    assert len(api.get("/v1/annotations").json()) == 1
    effects = api.post("/v1/reports/2025-W46").json()["effects"]
    assert [each["text"] for each in effects] == ["added a Helm project"]
    path = f"/v1/annotations/{first.json()['id']}"
    assert [api.delete(path).status_code for _ in range(2)] == [204, 404]


def test_a_decision_about_a_gap_is_kept_and_shown(api: TestClient) -> None:
    for path, skill in {"CI%2FCD": "CI/CD", "C%23": "C#", "C%2B%2B": "C++", ".NET": ".NET"}.items():
        kept = api.put(f"/v1/gaps/{path}", json={"state": "planned"})
        assert (kept.status_code, kept.json()["skill"]) == (200, skill)
    assert api.put("/v1/gaps/Go", json={"state": "wont", "note": "no"}).status_code == 200
    gaps = api.get(f"/v1/summary?{WEEK}").json()["findings"]["gaps"]
    assert {gap["skill"]: gap["status"] for gap in gaps}["Go"] == "wont"
    assert api.put("/v1/gaps/Go", json={"state": "maybe"}).status_code == 422


def test_skills_of_the_cv_that_nobody_asked_about_are_named(api: TestClient) -> None:
    api.put("/v1/cv-skills", json={"skills": ["PYTHON", "Elixir", "elixir"]})
    coverage = api.post("/v1/reports/2025-W46").json()["coverage"]
    assert coverage == {"listed": 2, "neverAsked": ["Elixir"], "days": 90}


@pytest.mark.parametrize(
    ("asked_on", "never"), [("2025-08-18", ["Elixir"]), ("2025-08-19", []), ("2025-11-16", []),
                            ("2025-11-17", ["Elixir"])],
)  # fmt: skip
def test_the_cv_is_compared_with_ninety_days_to_the_weeks_end(
    world: World, asked_on: str, never: list[str]
) -> None:
    noon = datetime.fromisoformat(f"{asked_on}T12:00:00+00:00")
    elixir = [{"name": "Elixir", "category": "language", "umbrella": False}]
    about = {"askedAt": int(noon.timestamp() * 1_000), "skills": elixir, "aliasesUsed": []}
    document = {
        name: value
        for name, value in correlations(chatbot_events())[20].items()
        if name not in {"answeredAt", "outcome", "matchScore"}
    }
    world.deliver([completed(document | about | {"outcome": "no_response"})])
    world.pump()
    api = TestClient(create_app())
    api.put("/v1/cv-skills", json={"skills": ["Elixir"]})
    assert api.post("/v1/reports/2025-W46").json()["coverage"]["neverAsked"] == never


ASKED = next((c["requestId"], c["askedAt"]) for c in correlations(chatbot_events()))
EXCHANGES = (
    ("get", "/health", "/health"),
    ("get", "/v1/reports", "/v1/reports"),
    ("post", "/v1/reports/{week}", "/v1/reports/2025-W46"),
    ("get", "/v1/reports/{week}", "/v1/reports/2025-W46"),
    ("get", "/v1/summary", f"/v1/summary?{WEEK}"),
    ("get", "/v1/questions", f"/v1/questions?{WEEK}&limit=3"),
    ("get", "/v1/questions/{requestId}", f"/v1/questions/{ASKED[0]}?askedAt={ASKED[1]}"),
    ("post", "/v1/annotations", {"date": "2025-11-10", "text": "added Helm", "skill": "Helm"}),
    ("get", "/v1/annotations", "/v1/annotations"),
    ("put", "/v1/gaps/{skill}", {"state": "planned"}),
    ("get", "/v1/gaps", "/v1/gaps"),
    ("put", "/v1/cv-skills", {"skills": ["Elixir"]}),
    ("get", "/v1/cv-skills", "/v1/cv-skills"),
)


def test_every_json_answer_is_as_the_openapi_document_says(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    components = document["components"]
    # Readers ignore what they do not know; the released 1.0 describes the closed writer.
    del components["schemas"]["Report"]["additionalProperties"]
    for method, route, sent in EXCHANGES:
        body, path = (None, sent) if isinstance(sent, str) else (sent, route)
        answer = api.request(method, path, json=body)
        assert answer.is_success
        assert answer.json()
        described = document["paths"][route][method]["responses"][str(answer.status_code)]
        schema = described["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": components})
        validator.validate(answer.json())
    assert {(method, route) for method, route, _ in EXCHANGES} == {
        (method, route)
        for route, methods in document["paths"].items()
        for method, operation in methods.items()
        for status, described in operation["responses"].items()
        if status.startswith("2") and "application/json" in described.get("content", {})
    }


def test_the_openapi_document_describes_every_route(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {
        "/health", "/v1/reports", "/v1/reports/{week}", "/v1/summary", "/v1/questions",
        "/v1/export.csv", "/v1/annotations", "/v1/gaps", "/v1/cv-skills",
    }  # fmt: skip
    assert "/dashboard" not in document["paths"]
    totals = json.dumps(document["paths"]["/v1/summary"])
    assert "latencyP95Ms" in totals


def test_errors_echo_nothing_of_the_request(api: TestClient) -> None:
    canary = "canary-4711"
    for answer in (
        api.get(f"/v1/questions?{WEEK}&outcome={canary}"),
        api.post("/v1/annotations", json={"date": canary, "text": canary}),
        api.post("/v1/annotations", content=canary, headers={"content-type": "application/json"}),
        api.put("/v1/gaps/Go", json={"state": "done", canary: 1}),
        api.get(f"/v1/reports/{canary}"),
    ):
        assert answer.status_code == 422
        assert canary not in answer.text.replace(f"body.{canary}", "")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/reports",
        "/v1/summary?from=2025-11-10&to=2025-11-16",
        "/v1/questions?from=2025-11-10&to=2025-11-16",
        "/v1/annotations",
        "/v1/gaps",
        "/v1/cv-skills",
    ],
)
def test_a_throttled_table_is_503_with_a_time_to_try_again(busy: World, path: str) -> None:
    with injected(Injector(0, Fault.THROTTLE)):
        answer = TestClient(create_app()).get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "slow down" not in answer.text


def test_one_question_is_read_by_its_id_and_the_time_of_asking(api: TestClient) -> None:
    listed = api.get(f"/v1/questions?{WEEK}&limit=3").json()["items"]
    for item in listed:
        answer = api.get(f"/v1/questions/{item['requestId']}?askedAt={item['askedAt']}")
        assert answer.json() == item
        assert answer.headers["cache-control"] == "private, no-cache"
        assert trace_id(item["requestId"]) in answer.headers["traceresponse"]


def test_a_question_that_is_not_there_is_404_and_no_id_is_422(api: TestClient) -> None:
    assert api.get(f"/v1/questions/never?askedAt={1_762_161_120_037}").status_code == 404
    assert api.get(f"/v1/questions/%20?askedAt={1_762_161_120_037}").status_code == 422
    assert api.get("/v1/questions/q1?askedAt=1762161120").status_code == 422
    assert api.get("/v1/questions/q1").status_code == 422
