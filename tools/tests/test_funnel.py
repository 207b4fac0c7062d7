"""How far the questions of each day came, and which are missing where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from cv_contracts.digest import day_digest

from tools import __main__ as commands
from tools.deploy.account import Account
from tools.observe import days as reading
from tools.observe.evidence import EvidenceError
from tools.observe.funnel import (
    ON_ITS_WAY_MS,
    SHOWN_IDS,
    Correlation,
    Days,
    Fact,
    Lines,
    differences,
    page,
)
from tools.observe.trace import CLOSED_WITHIN_MS
from tools.tests.answers import AnsweringSession

DAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)
NOW = NOON + 10 * 3_600_000
LONG_AGO = NOW - ON_ITS_WAY_MS - 1
JUST_NOW = NOW - ON_ITS_WAY_MS
CLOSED = {"q-1": Correlation(1, NOON)}
FACTS = {"q-1": Fact(1, NOON, is_visitor=True)}
LOGGED = Lines({"q-1": NOON}, {"q-1": NOON}, {"q-1": NOON})
WELL = Days((DAY,), LOGGED, CLOSED, {DAY: 1}, {DAY: True}, FACTS, {DAY: 1})


def shown(read: Days, now_ms: int = NOW) -> list[str]:
    return list(page(read, differences(read, now_ms), now_ms))


def test_a_day_of_which_all_arrived_has_no_difference() -> None:
    assert differences(WELL, NOW) == []
    assert shown(WELL)[1].split() == ["2026-11-20", "1", "1", "1", "1", "1", "of", "1"]
    assert shown(WELL)[-1] == "no differences"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"correlations": {}, "facts": {}, "summarised": {}}, None),  # erased: it was published
        (
            {
                "correlations": {},
                "facts": {},
                "summarised": {},
                "lines": Lines({"q-1": LONG_AGO - CLOSED_WITHIN_MS}),
            },
            "accepted, not recorded",
        ),
        (
            {"facts": {}, "summarised": {}, "lines": Lines({"q-1": LONG_AGO})},
            "recorded, not published",
        ),
        ({"facts": {}, "summarised": {}, "lines": Lines()}, "recorded, not published"),
        ({"facts": {}, "summarised": {}}, "published, not projected"),
        ({"correlations": {"q-1": Correlation(2, NOON)}}, "published, not projected"),
        ({"correlations": {}, "recorded": {DAY: 0}}, "projected, not recorded"),
        ({"summarised": {}}, "2026-11-20: 1 projected, 0 summarised"),
        ({"is_whole": {DAY: False}}, "2026-11-20: the list has not the day's digest"),
    ],
)
def test_what_is_at_one_end_alone_is_a_difference_with_its_id(
    change: dict[str, Any], what: str | None
) -> None:
    found = differences(replace(WELL, **change), NOW)
    assert [difference.what for difference in found] == ([what] if what else [])
    assert all(difference.is_due(NOW) for difference in found)
    if what and "digest" not in what:
        assert [difference.request_ids for difference in found] == [("q-1",)]


def test_a_difference_of_fifteen_minutes_may_be_on_its_way() -> None:
    lines = Lines({"q-1": JUST_NOW}, {"q-1": JUST_NOW})
    young = replace(WELL, facts={}, summarised={}, lines=lines)
    assert [d.is_due(NOW) for d in differences(young, NOW)] == [False]
    assert [d.is_due(NOW + 1) for d in differences(young, NOW + 1)] == [True]
    assert "waits     published, not projected  1" in shown(young)


def test_a_question_waits_for_its_answer_before_it_is_missing() -> None:
    lines = Lines({"q-2": LONG_AGO, "q-1": NOON}, {"q-1": NOON})
    [waiting] = differences(replace(WELL, lines=lines), NOW)
    assert (waiting.request_ids, waiting.is_due(NOW)) == (("q-2",), False)
    assert waiting.is_due(NOW + CLOSED_WITHIN_MS)


def test_events_of_an_erased_session_are_not_missing() -> None:
    lines = replace(LOGGED, accepted={"q-1": NOON, "q-9": NOON}, of_erased=frozenset({"q-9"}))
    assert differences(replace(WELL, lines=lines), NOW) == []


def test_what_had_its_time_comes_first_and_apart_from_what_is_on_its_way() -> None:
    two = {"q-1": Correlation(1, NOON), "q-2": Correlation(1, NOON)}
    lines = Lines({}, {"q-1": JUST_NOW, "q-2": LONG_AGO})
    read = replace(WELL, correlations=two, facts={}, summarised={}, lines=lines)
    assert [d.request_ids for d in differences(read, NOW)] == [("q-2",), ("q-1",)]


def test_without_a_reporter_only_the_processors_numbers_are_compared() -> None:
    alone = replace(WELL, facts=None, summarised={})
    assert differences(alone, NOW) == []
    assert shown(alone)[1].split()[-2:] == ["-", "-"]


def test_numbers_of_logs_that_are_over_are_unknown() -> None:
    assert shown(replace(WELL, lines=Lines()))[1].split()[1:5] == ["-", "1", "-", "1"]


def test_the_summaries_count_visitors_by_the_owners_day() -> None:
    late = int(datetime(2026, 11, 20, 23, 30, tzinfo=UTC).timestamp() * 1000)
    facts = {"q-1": Fact(1, late, is_visitor=True), "q-2": Fact(1, NOON, is_visitor=False)}
    closed = {"q-1": Correlation(1, late), "q-2": Correlation(1, NOON)}
    tokyo = replace(
        WELL,
        correlations=closed,
        facts=facts,
        recorded={DAY: 2},
        summarised={DAY: 0, date(2026, 11, 21): 1},
        zone=ZoneInfo("Asia/Tokyo"),
    )
    assert differences(tokyo, NOW) == []


def test_of_many_ids_some_are_shown() -> None:
    many = {f"q-{n:02}": Correlation(1, NOON) for n in range(SHOWN_IDS + 3)}
    rows = shown(replace(WELL, correlations=many, facts={}, summarised={}, lines=Lines()))
    assert rows[2] == f"missing   recorded, not published  {SHOWN_IDS + 3}"
    assert rows[-1].strip() == "and 3 others"


# ---- what is read -------------------------------------------------------------------------------

GROUPS = [
    f"/aws/lambda/cv-analytics-dev-{name}"
    for name in ("processor-api", "processor-ingest", "processor-relay", "reporter-project", "x")
]
ANSWERS: dict[str, Any] = {
    f"/v1/days/{DAY}": {"correlations": 1, "digest": day_digest([("q-1", 1)])},
    "/v1/correlations": {"items": [{"requestId": "q-1", "revision": 1, "askedAt": NOON}]},
    "/v1/questions": {
        "items": [{"requestId": "q-1", "revision": 1, "askedAt": NOON, "audience": "visitor"}]
    },
    "/v1/summary": {
        "timeZone": "Europe/London",
        "findings": {"days": [{"day": f"{DAY}", "outcomes": {"full": 1, "none": 0}}]},
    },
}


def account(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Account:
    """An account with a line of each function, and APIs that answer from a table by path."""

    def lines(asked: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {"requests": ["q-1"]}
        if asked["logGroupName"].endswith("ingest"):
            fields = {"requests": ["q-9"], "of_erased_sessions": 1}
        texts = [json.dumps(fields), "START requests", json.dumps(fields | {"method": "GET"})]
        return {"events": [{"timestamp": NOON, "message": text} for text in texts]}

    session = AnsweringSession(
        {
            "ssm.GetParameters": lambda asked: {
                "Parameters": [{"Value": f"https://{asked['Names'][0].split('/')[3]}.example"}]
            },
            "logs.DescribeLogGroups": {"logGroups": [{"logGroupName": name} for name in GROUPS]},
            "logs.FilterLogEvents": lines,
        }
        | {key: value for key, value in changes.items() if "." in key}
    )
    answers = ANSWERS | changes

    def reply(request: httpx.Request) -> httpx.Response:
        body = answers[request.url.path]
        if isinstance(body, int):
            return httpx.Response(body)
        return httpx.Response(200, json=body(request) if callable(body) else body)

    monkeypatch.setattr(
        Account,
        "http",
        lambda _, url="", **__: httpx.Client(base_url=url, transport=httpx.MockTransport(reply)),
    )
    return Account("dev", session)


def test_every_number_comes_from_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    read = reading.read(account(monkeypatch), DAY, DAY)
    lines = Lines({"q-1": NOON, "q-9": NOON}, {"q-1": NOON}, {"q-1": NOON}, frozenset({"q-9"}))
    assert read == replace(WELL, lines=lines, zone=ZoneInfo("Europe/London"))


def test_every_page_of_a_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"items": [], "nextCursor": "c"}

    def paged(request: httpx.Request) -> Any:
        return ANSWERS["/v1/correlations"] if "cursor" in request.url.params else first

    read = reading.read(account(monkeypatch, **{"/v1/correlations": paged}), DAY, DAY)
    assert read.correlations == CLOSED


def test_a_list_that_is_not_the_days_digest_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {f"/v1/days/{DAY}": {"correlations": 1, "digest": "00"}}
    assert reading.read(account(monkeypatch, **other), DAY, DAY).is_whole == {DAY: False}


def test_without_services_or_days_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvidenceError, match="TO must be 2026-11-20 or"):
        reading.read(account(monkeypatch), DAY, date(2026, 11, 19))
    with pytest.raises(EvidenceError, match="TO must be"):
        reading.read(account(monkeypatch), date(2024, 1, 1), DAY)
    nothing = account(monkeypatch, **{"ssm.GetParameters": {"Parameters": []}})
    with pytest.raises(EvidenceError, match="not deployed in stage dev"):
        reading.read(nothing, DAY, DAY)
    with pytest.raises(EvidenceError, match="GET /v1/summary answered 503"):
        reading.read(account(monkeypatch, **{"/v1/summary": 503}), DAY, DAY)


def test_only_the_processor_may_be_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_processor(asked: Any) -> Any:
        known = "processor" in asked["Names"][0]
        return {"Parameters": [{"Value": "https://processor.example"}] if known else []}

    read = reading.read(account(monkeypatch, **{"ssm.GetParameters": of_processor}), DAY, DAY)
    assert (read.facts, read.summarised) == (None, {})


@pytest.mark.parametrize(("summarised", "code"), [(1, 0), (2, 1)])
def test_the_command_ends_with_1_on_a_difference(
    summarised: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [{"day": f"{DAY}", "outcomes": {"full": summarised}}]
    summary = {"timeZone": "Europe/London", "findings": {"days": days}}
    there = account(monkeypatch, **{"/v1/summary": summary})
    monkeypatch.setattr(commands, "account_of", lambda _: there)
    with pytest.raises(SystemExit) as left:
        commands.main(["funnel", "--stage", "dev", "--from", f"{DAY}", "--to", f"{DAY}"])
    assert left.value.code == code
    assert ("missing" in capsys.readouterr().out) is bool(code)
