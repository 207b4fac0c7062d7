"""Events in, reports out: the handlers over moto's AWS."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import pytest
from cv_contracts.events import CorrelationCompleted, ReportPublished
from cv_contracts.rest import Report
from fastapi.testclient import TestClient

from cv_reporter.bootstrap import services
from cv_reporter.entrypoints import report as report_entry
from cv_reporter.entrypoints.api import create_app
from tests.component import world as worlds
from tests.component.world import World
from tests.sample import chatbot_events, completed, completed_events, correlations, golden

Events = list[CorrelationCompleted]


def in_order() -> Events:
    return completed_events()


def shuffled() -> Events:
    return random.Random(7).sample(completed_events(), 40)


def doubled() -> Events:
    return [event for event in completed_events() for _ in range(2)]


def responses_first() -> Events:
    """Each answered question first closes as unanswered, and the correction overtakes that."""
    events: Events = []
    for document in correlations(chatbot_events()):
        if document["outcome"] == "no_response":
            events.append(completed(document))
            continue
        silent = {
            name: value
            for name, value in document.items()
            if name not in {"answeredAt", "matchScore", "reasoning", "sources", "responseTimes"}
        }
        events.append(completed(document | {"revision": 2}))
        events.append(completed(silent | {"outcome": "no_response"}))
    return events


@pytest.mark.parametrize("zone", sorted(golden()))
@pytest.mark.parametrize("order", [in_order, shuffled, doubled, responses_first])
def test_totals_are_golden_in_every_zone_and_order(
    world: World, monkeypatch: pytest.MonkeyPatch, zone: str, order: Callable[[], Events]
) -> None:
    monkeypatch.setenv("TIME_ZONE", zone)
    worlds.forget()
    assert world.deliver(order()) == []
    world.pump()
    api = TestClient(create_app())
    for week, expected in golden()[zone].items():
        assert api.post(f"/v1/reports/{week}").json()["totals"] == expected
        served = api.get(f"/v1/reports/{week}")
        assert served.json()["totals"] == expected
        assert Report.read_json(served.content).time_zone == zone


def test_everything_again_changes_nothing(world: World) -> None:
    world.deliver(in_order())
    world.pump()
    before = world.items()
    assert world.deliver(shuffled()) == []
    world.pump()
    assert world.items() == before


def test_a_correction_that_moves_the_day_takes_the_row_along(world: World) -> None:
    document = correlations(chatbot_events())[0]
    world.deliver([completed(document)])
    world.pump()
    moved = completed(document | {"revision": 2, "askedAt": document["askedAt"] - 86_400_000})
    world.deliver([moved])
    world.pump()
    [(partition, _)] = world.facts()
    assert partition == "DAY#2025-11-02#0"
    summaries = services().summary_store.between(date(2025, 11, 2), date(2025, 11, 3))
    counts = [summary.visitors.outcomes.questions for _, summary in sorted(summaries.items())]
    assert counts == [1, 0]


def test_an_old_revision_that_comes_after_its_question_moved_leaves_again(world: World) -> None:
    document = correlations(chatbot_events())[0]
    moved = completed(document | {"revision": 2, "askedAt": document["askedAt"] - 86_400_000})
    world.deliver([moved])
    world.pump()
    world.deliver([completed(document)])
    world.pump()
    assert [partition for partition, _ in world.facts()] == ["DAY#2025-11-02#0"]


def test_monday_sends_one_mail_per_recipient_and_announces_the_report(busy: World) -> None:
    world = busy
    event = {"week": "2025-W46"}
    assert report_entry.handler(event, None)["sent"] == 1
    report_entry.handler(event, None)
    world.pump()
    [mail] = world.sent_mail()
    assert mail.destinations["ToAddresses"] == [worlds.OWNER]
    outbox = [at for at in world.items() if at[0].startswith("OUTBOX#")]
    assert outbox == [("OUTBOX#2025-W46", ReportPublished.DETAIL_TYPE)]


def test_the_signed_link_leads_to_the_dashboard(busy: World) -> None:
    api = TestClient(create_app(), base_url="https://api.example")
    link = services().dashboard_link()
    assert link is not None
    assert link.startswith("https://api.example/x/dashboard?token=")
    assert api.get("/dashboard").status_code == 401
    assert api.get("/dashboard?token=link.99999999999.x").status_code == 401
    button = api.get("/dashboard?" + link.partition("?")[2])
    assert (button.status_code, "set-cookie" in button.headers) == (200, False)
    entered = api.post("/dashboard/enter", data={"token": link.partition("token=")[2]})
    assert entered.status_code == 200
    assert "CV Analytics" in entered.text
    cookie = entered.history[0].headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=lax" in cookie
    assert "script" not in entered.headers["content-security-policy"]


def test_health_needs_no_table(world: World) -> None:
    body = TestClient(create_app()).get("/health").json()
    assert (body["status"], body["service"]) == ("ok", "reporter")
