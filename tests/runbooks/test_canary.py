"""A text that visitors might send appears in nothing that is observed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cv_contracts.chatbot import QuestionAsked
from cv_contracts.events import CHATBOT_SOURCE

from tests.runbooks.stage import PREFIX, MeteredStage, answer, eventually, question
from tools.observe import days, funnel, operate, status, trace
from tools.observe.evidence import gather

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY: Final = "zanzibarquokka"
SESSION: Final = f"s-{CANARY}"
PARKED: Final = "processor-ingest-dlq.fifo"
HEADERS: Final = {
    "user-agent": f"{CANARY}/1.0",
    "referer": f"https://{CANARY}.example/{CANARY}",
    "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    "tracestate": f"vendor={CANARY}",
    "x-forwarded-for": CANARY,
    "x-canary": CANARY,
}


def private(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the canary in every text that it has."""
    texts: dict[str, Any] = {"sessionId": SESSION}
    if event["eventType"] == "query":
        texts["query"] = f"My name is {CANARY.title()} Smith, do you know {CANARY}?"
        texts["metadata"] = {
            "userAgent": f"Mozilla {CANARY}",
            "referer": f"https://{CANARY}.example/",
        }
    else:
        texts["reasoning"] = f"best match {CANARY}"
        texts["sources"] = [{"skill": CANARY}]
    return event | texts


def observed(stage: MeteredStage, request_ids: list[str]) -> Iterator[tuple[str, str]]:
    """Everything that is observed of a stage, as text, by what it is."""
    logs, cloudwatch = stage.account.client("logs"), stage.account.client("cloudwatch")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for event in logs.filter_log_events(logGroupName=name)["events"]:
            yield name, event["message"]
    yield "metrics", json.dumps(cloudwatch.list_metrics()["Metrics"])
    yield "alarms", json.dumps(cloudwatch.describe_alarms(), default=str)
    yield "history", json.dumps(cloudwatch.describe_alarm_history(), default=str)
    yield "dashboards", json.dumps(cloudwatch.list_dashboards(), default=str)
    now = datetime.now(UTC)
    now_ms = int(now.timestamp() * 1000)
    yield "status", "\n".join(status.page(status.read(stage.account, now)))
    read = days.read(stage.account, now.date() - timedelta(days=1), now.date())
    yield "funnel", "\n".join(funnel.page(read, funnel.differences(read, now_ms), now_ms))
    for request_id in request_ids:
        found = gather(stage.account, request_id, now)
        yield "trace", "\n".join(trace.page(request_id, found, trace.diagnose(found, now_ms)))


def test_no_text_of_a_visitor_is_observed(stage: MeteredStage) -> None:
    now = int(time.time() * 1000)
    api = stage.system.processor

    def post(*events: dict[str, Any]) -> int:
        return api.post("/v1/events", json={"events": list(events)}, headers=HEADERS).status_code

    assert post(private(question("c-api", now)), private(answer("c-api", now))) == 202
    assert post(private(question("c-wrong", now)) | {"eventType": CANARY}) == 422
    json_type = HEADERS | {"content-type": "application/json"}
    assert api.post("/v1/events", content=f"{{{CANARY}", headers=json_type).status_code == 422
    assert post(private(answer("c-api", now)) | {"matchScore": 3}) == 202
    api.get(f"/v1/{CANARY}", headers=HEADERS, params={CANARY: CANARY})
    api.post(f"/v1/webhooks/events?{CANARY}", content=CANARY, headers=HEADERS)
    for half in (question("c-queue", now), answer("c-queue", now)):
        stage.system.send_to_queue(private(half))
    stage.system.send_to_queue(private(question("c-parked", now)) | {"eventType": CANARY})
    entry = {
        "EventBusName": f"{PREFIX}processor",
        "Source": CHATBOT_SOURCE,
        "DetailType": QuestionAsked.DETAIL_TYPE,
        "Detail": json.dumps(private(question("c-bus", now))),
    }
    stage.account.client("events").put_events(Entries=[entry])
    arrived = ["c-api", "c-queue", "c-bus"]
    for request_id in arrived:
        eventually(partial(stage.is_reported, request_id), f"{request_id} has arrived")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    query = {"from": today, "to": today, "text": CANARY, "everybody": "true"}
    found = stage.system.reporter.get("/v1/questions", params=query, headers=HEADERS)
    assert {item["requestId"] for item in found.json()["items"]} >= set(arrived), "it was kept"
    with stage.refused("processor-api", "dynamodb"), stage.refused("reporter-api", "dynamodb"):
        assert api.get(f"/v1/correlations?sessionId={SESSION}", headers=HEADERS).is_server_error
        assert stage.system.reporter.get("/v1/questions", params=query).is_server_error
    stage.invoke("processor-ingest", {"Records": [{"body": CANARY}]})
    stage.invoke("reporter-report", {"week": CANARY})
    api.delete(f"/v1/sessions/{SESSION}", headers=HEADERS).raise_for_status()
    eventually(lambda: not stage.is_reported("c-api"), "the session is erased")
    eventually(lambda: stage.depth(PARKED) == 1, "what is no event is parked")
    stage.meter.tick()

    seen = list(observed(stage, [*arrived, "c-parked", "c-wrong"]))
    assert {"metrics", "alarms", "status", "funnel", "trace"} <= {what for what, _ in seen}
    assert sum("c-api" in text for _, text in seen) > 5, "the question is observed"
    assert [(what, text) for what, text in seen if CANARY in text.casefold()] == []
    # the tests after this one count the dead letters that they cause, and wait for their alarms
    operate.purge(stage.account, stage.system.url_of(PARKED))
    stage.passes(timedelta(hours=1))
