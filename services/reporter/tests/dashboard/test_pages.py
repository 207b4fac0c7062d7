"""The dashboard's pages over the real adapters: who gets in, what is shown, what changes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape as html_escape
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin

import pytest
from fastapi.testclient import TestClient

from cv_reporter.adapters.aws import client
from cv_reporter.application.dashboard_ports import Receipt
from cv_reporter.application.entry import LINK, SESSION, SHARE, signed_link, token, unsubscribe_link
from cv_reporter.application.ports import LastComparison, OldProcessorError, Partition, Stop
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import Fact, Outcome
from cv_reporter.domain.report import Comparison, GapState
from cv_reporter.entrypoints.api import create_app
from cv_reporter.presentation.mail import letter
from tests.component import world as worlds
from tests.component.traffic import observed
from tests.component.world import KEY
from tests.dashboard.conftest import ORIGIN, Play
from tests.dashboard.scenarios import DAY, HOSTILE, NOW, SCENARIOS, keep
from tests.sample import fact

FULL, NONE = Outcome.FULL, Outcome.NONE
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
PAGES = ("", "/questions", "/questions.csv", "/reports", "/report?week=2025-W46", "/notes",
         "/shares", "/send?week=2025-W46", "/erase?id=s12", "/session?id=s12",
         "/details")  # fmt: skip
FORMS = (
    "/leave",
    "/gap",
    "/note",
    "/note/remove",
    "/erase",
    "/erase-question",
    "/send",
    "/share",
    "/share/revoke",
)


def test_nobody_sees_or_changes_anything_without_signing_in(play: Play) -> None:
    play("normal")
    stranger = TestClient(create_app(), base_url=ORIGIN)
    for path in (*PAGES, "/anything"):
        answer = stranger.get(f"/dashboard{path}")
        assert (answer.status_code, "GraphQL" in answer.text) == (401, False), path
    for path in FORMS:
        answer = stranger.post(f"/dashboard{path}", data={"csrf": "x"})
        assert answer.status_code in {401, 422}, path
        assert "Nothing was" in answer.text


def test_a_form_of_another_session_changes_nothing(play: Play) -> None:
    owner = play("normal")
    foreign = owner.form_token()
    owner.cookies.clear()
    owner.enter()
    data = {"csrf": foreign, "decision": "done:Kubernetes"}
    assert owner.post("/dashboard/gap", data=data).status_code == 403
    assert "Kubernetes" not in services().notes.statuses.all()


def test_a_new_key_ends_every_session_link_and_share(play: Play) -> None:
    owner = play("normal")
    owner.post("/dashboard/share", data={"csrf": owner.form_token(), "days": 30})
    shared = token(SHARE, KEY, NOW // 1_000 + 9, id=services().shares.all()[0].id)
    assert owner.get(f"/dashboard/shared?key={shared}").status_code == 200
    worlds.put_key("n" * 64)
    worlds.forget()
    assert owner.get("/dashboard").status_code == 401
    assert owner.get(signed_link("", KEY, NOW)).status_code == 401
    assert owner.get(f"/dashboard/shared?key={shared}").status_code == 403


def test_what_has_expired_opens_nothing(play: Play) -> None:
    owner = play("normal")
    owner.post("/dashboard/share", data={"csrf": owner.form_token(), "days": 7})
    [share] = services().shares.all()
    stranger = TestClient(create_app(), base_url=ORIGIN)
    for seconds, shown, entered in ((1, 200, 200), (0, 403, 401)):
        ends = NOW // 1_000 + seconds
        shared = token(SHARE, KEY, ends, id=share.id)
        assert stranger.get(f"/dashboard/shared?key={shared}").status_code == shown
        link = token(LINK, KEY, ends)
        assert (
            TestClient(create_app(), base_url=ORIGIN).get(f"/dashboard?token={link}").status_code
            == entered
        )
        cookie = {"cookie": f"cv_analytics_owner={token(SESSION, KEY, ends, id='c')}"}
        assert stranger.get("/dashboard", headers=cookie).status_code == entered


@pytest.mark.parametrize("path", FORMS)
def test_every_form_wants_the_token_of_its_session(play: Play, path: str) -> None:
    owner = play("normal")
    before = services().notes.statuses.all(), services().notes.annotations.all()
    data = {"decision": "done:Go", "day": "2025-11-12", "text": "t", "id": "0123456789abcdef",
            "sure": "yes", "week": "2025-W46", "days": 7}  # fmt: skip
    for forged in ({}, {"csrf": ""}, {"csrf": "x" * 64}, {"csrf": owner.form_token()[:-1] + "!"}):
        answer = owner.post(f"/dashboard{path}", data=data | forged)
        assert answer.status_code == 403, forged
    assert owner.erasures.asked == []
    assert services().shares.all() == []
    assert (services().notes.statuses.all(), services().notes.annotations.all()) == before
    assert owner.get("/dashboard").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_protected_by_its_headers(play: Play, path: str) -> None:
    headers = play("normal").get(f"/dashboard{path}").headers
    policy = headers["content-security-policy"]
    assert policy == (MAIL_POLICY if path.startswith("/report?") else POLICY)
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("state", ["normal", "texts", "common", "silent"])
def test_the_board_quotes_for_an_action_the_question_that_the_mail_quotes(
    play: Play, state: str
) -> None:
    owner = play(state)
    week = Week(2025, 45 if state == "silent" else 46)
    report = services().report_builder.build(week)
    page = owner.get(f"/dashboard?from={report.first}&to={report.last}").text
    quote = re.compile(r'<a class="quote" href="([^"]*)">“<bdi>(.*?)</bdi>')
    found = quote.findall(between(page, "steps"))
    model = letter(report, signed_link("", KEY, NOW))
    asked = [(address(row.url), html_escape(row.quote)) for row in model.actions]
    assert [(address(unescape(href)), text) for href, text in found] == asked
    assert asked or state == "common"


def between(page: str, name: str) -> str:
    """The list of that class."""
    return page.partition(f'<ol class="{name}">')[2].partition("</ol>")[0]


def address(href: str) -> tuple[str, str]:
    """When the question of a link was asked, and its id."""
    given = dict(parse_qsl(href.partition("?")[2]))
    return given["at"], given["id"]


@pytest.mark.parametrize("state", sorted(SCENARIOS))
def test_every_state_renders_small_enough_with_relative_links_only(play: Play, state: str) -> None:
    owner = play(state)
    page = owner.get("/dashboard?period=quarter")
    assert page.status_code == 200
    linked = [owner.get(f"/dashboard/{name}") for name in ("style.css", "icon.svg")]
    assert sum(len(answer.content) for answer in (page, *linked)) <= 60_000
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', page.text):
        assert not address.startswith(("/", "http", "//", "javascript:", "data:")), address
    assert " style=" not in page.text


def test_the_board_has_the_reports_numbers(play: Play) -> None:
    owner = play("normal")
    page = owner.get("/dashboard?period=last").text
    values = re.findall(r'class="value">(?:<a [^>]*>)?([^<]*)<', page)
    assert values == ["28", "10", "32%", "42.9%", "5"]
    gap = re.compile(r'class="n"><b>([0-9.]+)')
    assert gap.findall(page) == ["1.3", "1.1", "0.9", "0.6", "0.5"]
    every = gap.findall(owner.get("/dashboard/details?period=last").text)
    assert (every[:6], len(every)) == (["1.3", "1.1", "0.9", "0.6", "0.5", "0.4"], 15)
    without = owner.get("/dashboard?period=last&attacks=no").text
    assert re.findall(r'class="value">(?:<a [^>]*>)?([^<]*)<', without)[0] == "27"


def tile(page: str, label: str) -> str:
    """What a tile says."""
    part = page.partition(f"<h2>{label}</h2>")[2].partition("</li>")[0]
    return " ".join(
        re.sub(r"<[^>]+>", " ", re.sub(r'<span class="away">.*?</span>', "", part)).split()
    )


def asked_on(day: int, outcomes: Sequence[Outcome]) -> list[Fact]:
    """Questions of so many days before today."""
    return [
        fact(100 * day + n, asked_at=NOW - day * DAY - n * 60_000, outcome=outcome, skills=())
        for n, outcome in enumerate(outcomes)
    ]


def test_a_running_week_is_compared_with_the_same_days_of_the_week_before(play: Play) -> None:
    owner = play("empty")
    last_monday, last_thursday = asked_on(7, [FULL] * 2), asked_on(4, [FULL] * 5)
    keep([*asked_on(0, [FULL]), *last_monday, *last_thursday, *asked_on(14, [FULL])])
    assert tile(owner.get("/dashboard?period=week").text, "Questions") == "1 2 before"
    assert tile(owner.get("/dashboard?period=last").text, "Questions") == "7 1 before"


def test_a_share_is_compared_with_a_share_and_a_count_never_with_one(play: Play) -> None:
    owner = play("empty")
    keep([*asked_on(8, [FULL] * 6 + [NONE] * 4), *asked_on(1, [FULL] * 8 + [NONE] * 17)])
    page = owner.get("/dashboard?period=last").text
    assert tile(page, "Answered in full") == "32% 8 of 25, likely 17–52% before: 60%, 6 of 10"
    assert tile(page, "No answer") == "68% 17 of 25, likely 48–83% before: 40%, 4 of 10"
    assert "+2" not in page


@pytest.mark.parametrize(
    ("before", "now", "verdict"), [(NONE, FULL, "▲ better"), (FULL, NONE, "▼ worse")]
)
def test_a_change_for_the_better_and_one_for_the_worse_differ_by_sign_and_word(
    play: Play, before: Outcome, now: Outcome, verdict: str
) -> None:
    owner = play("empty")
    keep([*asked_on(8, [before] * 30), *asked_on(1, [now] * 30)])
    page = owner.get("/dashboard?period=last").text
    assert tile(page, "Answered in full").endswith(verdict)
    assert tile(page, "No answer").endswith(verdict)


def test_a_question_says_that_the_answers_words_are_not_kept(play: Play) -> None:
    owner = play("one")
    address = re.findall(
        r'"(question\?[^"]*|dashboard/question\?[^"]*)"', owner.get("/dashboard").text
    )
    page = owner.get("/" + unescape(address[0])).text
    assert "The chatbot sends how well its answer matched, not its words." in page


def test_the_board_reads_no_questions_but_those_that_its_actions_quote(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = play("busy")
    asked: list[Mapping[str, Any]] = []
    dynamo = client("dynamodb")
    query = dynamo.query

    def watched(**request: object) -> object:
        values = request["ExpressionAttributeValues"]
        assert isinstance(values, dict)
        asked.append({name: value["S"] for name, value in values.items() if "S" in value})
        return query(**request)

    monkeypatch.setattr(dynamo, "query", watched)
    page = owner.get("/dashboard").text
    questions = [read for read in asked if str([*read.values()]).count("DAY#")]
    assert len(questions) == quotes(page) * services().placement.shards > 0
    for read in questions:
        low, high = sorted(value for name, value in read.items() if name != ":pk")
        assert (low[:-1], low[-1], high[-1]) == (high[:-1], "#", "$"), "all of one millisecond"
    others = [next(iter(read.values())) for read in asked if read not in questions]
    assert not [at for at in others if at.startswith(("SESSION#", "REQUEST#"))]
    assert 0 < len(others) <= 8


def quotes(page: str) -> int:
    """How many questions the board's actions quote."""
    return between(page, "steps").count('class="quote"')


def test_a_decision_is_kept_and_the_page_comes_back_as_it_was(play: Play) -> None:
    owner = play("normal")
    data = {"csrf": owner.form_token(), "decision": "done:Go", "back": "period=last&x=//evil"}
    answer = owner.post("/dashboard/gap", data=data, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "../dashboard?period=last&done=gap#gaps"
    assert services().notes.statuses.all()["Go"].state is GapState.DONE


def test_a_decision_on_the_page_of_details_leads_back_to_it(play: Play) -> None:
    owner = play("normal")
    data = {"csrf": owner.form_token(), "decision": "done:Azure", "back": "period=last"}
    answer = owner.post("/dashboard/gap", data=data | {"page": "details"}, follow_redirects=False)
    assert answer.headers["location"] == "../dashboard/details?period=last&done=gap#gaps"
    assert owner.post("/dashboard/gap", data=data | {"page": "https://evil"}).status_code == 422


@pytest.mark.parametrize("decision", ["", "gone:Go", "done:", "done:" + "x" * 81])
def test_a_decision_that_cannot_be_read_changes_nothing(play: Play, decision: str) -> None:
    owner = play("empty")
    data = {"csrf": owner.form_token(), "decision": decision}
    assert owner.post("/dashboard/gap", data=data).status_code == 422
    assert services().notes.statuses.all() == {}


def test_a_note_is_kept_shown_and_taken_back(play: Play) -> None:
    owner = play("one")
    csrf = owner.form_token()
    data = {"csrf": csrf, "day": "2025-11-12", "text": "wrote about \u202eGo", "skill": "Go"}
    assert "wrote about Go" in owner.post("/dashboard/note", data=data).text
    [note] = services().notes.annotations.all()
    assert (note.day, note.text) == (date(2025, 11, 12), "wrote about Go")
    owner.post("/dashboard/note/remove", data={"csrf": csrf, "id": note.id})
    assert services().notes.annotations.all() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"day": "soon"},
        {"day": "9999-12-31"},
        {"day": "0001-01-01"},
        {"text": ""},
        {"text": "\u200b"},
        {"text": "x" * 201},
    ],
)
def test_a_note_that_cannot_be_read_is_refused_as_a_page(play: Play, bad: dict[str, str]) -> None:
    owner = play("empty")
    data = {"csrf": owner.form_token(), "day": "2025-11-12", "text": "t"} | bad
    answer = owner.post("/dashboard/note", data=data)
    assert answer.status_code == 422
    assert "The form could not be read" in answer.text


def test_the_list_filters_pages_and_exports_the_same_questions(play: Play) -> None:
    owner = play("busy")
    address = "period=4w&outcome=unanswered"
    seen: list[str] = []
    path = f"/dashboard/questions?{address}"
    while path:
        page = owner.get(path).text
        seen += re.findall(r'class="q"><a href="[^"]*id=([^"]*)"', page)
        following = re.search(r'href="(\?[^"]*)" rel="next"', page)
        path = f"/dashboard/questions{following[1]}".replace("&amp;", "&") if following else ""
    exported = list(
        csv.DictReader(io.StringIO(owner.get(f"/dashboard/questions.csv?{address}").text))
    )
    assert len(seen) == len(set(seen)) > 100
    assert [row["request_id"] for row in exported] == seen


def test_a_cursor_that_no_page_gave_is_refused(play: Play) -> None:
    assert play("one").get("/dashboard/questions?cursor=%00").status_code == 422


def test_excluded_questions_can_be_shown(play: Play) -> None:
    page = play("normal").get("/dashboard/questions?audience=excluded").text
    assert "Is the bot up?" in page
    assert "Crawling your CV" in page
    assert page.count('class="q"') == 2


def test_every_sample_on_the_board_leads_to_its_question(play: Play) -> None:
    owner = play("normal")
    addresses = re.findall(r'"(dashboard/question\?[^"]*)"', owner.get("/dashboard").text)
    assert addresses
    for address in addresses[:6]:
        assert owner.get("/" + address.replace("&amp;", "&")).status_code == 200
    assert owner.get("/dashboard/question?at=1&id=nothing").status_code == 404


@pytest.mark.parametrize("start", ["?period=4w&attacks=no", "/details?period=4w",
                                   "/questions?attacks=no&skill=Go",
                                   "/questions?audience=all&group=text:pizza?", "/session?id=s12",
                                   "/reports", "/notes", "/shares"])  # fmt: skip
def test_every_link_leads_to_a_page(play: Play, start: str) -> None:
    owner = play("texts")
    owner.post("/dashboard/share", data={"csrf": owner.form_token(), "days": 7})
    address = f"https://cv.example/dashboard{start}"
    found = re.findall(r'href="([^"#]*)"', owner.get(address).text)
    assert len(found) > 5
    for href in sorted({urljoin(address, each.replace("&amp;", "&")) for each in found}):
        assert owner.get(href).status_code == 200, href


def test_the_details_name_the_busiest_hour(play: Play) -> None:
    owner = play("normal")
    page = owner.get("/dashboard/details?period=last").text
    assert "busiest: Thu 11–12 o’clock, 4 questions; Europe/London." in page


@pytest.mark.parametrize("state", ["quiet", "tenfold"])
def test_the_board_reads_as_many_items_for_ten_times_the_questions(play: Play, state: str) -> None:
    owner = play(state)
    assert len(services().fact_store.of(Partition(date(2025, 11, 12), 0))) in {6, 60}
    summaries, first_day = 28, 1
    quoted = quotes(owner.get("/dashboard").text)
    # A page that is not the process's first reads the index's entries alone.
    assert items_read(lambda: owner.get("/dashboard")) == summaries + first_day + quoted
    worlds.forget()
    assert items_read(lambda: owner.get("/dashboard")) == 2 * summaries + first_day + quoted


def items_read(look: Callable[[], object]) -> int:
    """How many items come from the table while something is looked at."""
    with observed() as traffic:
        look()
    return traffic.items


def test_a_session_is_erased_only_when_confirmed(play: Play) -> None:
    owner = play("normal")
    csrf = owner.form_token()
    owner.post("/dashboard/erase", data={"csrf": csrf, "id": "s12"})
    assert owner.erasures.asked == []
    receipt = owner.post("/dashboard/erase", data={"csrf": csrf, "id": "s12", "sure": "yes"}).text
    assert "Receipt of an erasure" in receipt
    assert "4 questions removed" in receipt
    assert "s12" not in receipt
    assert owner.get("/dashboard/session?id=s12").status_code == 404


def test_all_anonymous_questions_are_no_session_that_could_be_erased(play: Play) -> None:
    owner = play("normal")
    assert owner.get("/dashboard/erase?id=s12").status_code == 200
    assert owner.get("/dashboard/erase?id=anonymous").status_code == 404


def test_an_anonymous_question_is_erased_only_when_confirmed(play: Play) -> None:
    owner = play("normal")
    week = Week(2025, 46)
    newest = services().queries.newest(Period(week.first, week.last))
    anonymous = next(fact for fact in newest if not fact.named)
    at = {"at": str(anonymous.asked_at), "id": anonymous.request_id}
    shown_page = owner.get("/dashboard/question", params=at).text
    assert f"dashboard/erase-question?at={at['at']}&amp;id={at['id']}" in shown_page
    assert "Point-in-time recovery" in owner.get("/dashboard/erase-question", params=at).text
    form = {"csrf": owner.form_token(), **at}
    assert "Erase this question?" in owner.post("/dashboard/erase-question", data=form).text
    assert owner.erasures.asked == []
    form |= {"sure": "yes"}
    receipt = owner.post("/dashboard/erase-question", data=form).text
    assert owner.erasures.asked == [anonymous.request_id]
    assert "Receipt of an erasure" in receipt
    assert "35 days" in receipt
    assert owner.get("/dashboard/erase-question?at=1&id=none").status_code == 404


def test_an_older_processor_erases_no_question_and_the_page_says_why(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OldProcessorError("the deployed Processor is older than 1.3.0")

    owner = play("normal")
    monkeypatch.setattr(type(owner.erasures), "request_question", refuse)
    form = {"csrf": owner.form_token(), "id": "q-1", "sure": "yes"}
    answer = owner.post("/dashboard/erase-question", data=form)
    assert answer.status_code == 503
    assert "The Processor cannot do this yet" in answer.text
    assert "older than 1.3.0" in answer.text


def test_when_the_processor_is_silent_nothing_is_erased_and_the_page_says_so(play: Play) -> None:
    owner = play("unreachable")
    page = owner.get("/dashboard").text
    assert "Only 2 of 9 days were compared with the Processor on Mon 17 Nov, 03:00" in page
    assert "circuit open. Questions may be missing." in page
    services().dashboard.comparisons.put(LastComparison(Comparison(9, 9, 1), NOW, {}))
    page = owner.get("/dashboard").text
    assert "9 days compared with the Processor on Mon 17 Nov, 09:00: 1 missing question" in page
    assert "may be missing" not in page
    data = {"csrf": owner.form_token(), "id": "s12", "sure": "yes"}
    answer = owner.post("/dashboard/erase", data=data)
    assert answer.status_code == 503
    assert "Nothing was changed (could not connect)" in answer.text
    assert owner.get("/dashboard/session?id=s12").status_code == 200


def test_reports_are_shown_as_they_were_built_and_sent_once(play: Play) -> None:
    owner = play("normal")
    archive = owner.get("/dashboard/reports").text
    assert re.findall(r'scope="row">([^<]*)', archive) == ["10–16 Nov 2025", "3–9 Nov 2025"]
    assert "<table" in owner.get("/dashboard/report?week=2025-W46").text
    assert owner.get("/dashboard/report?week=2025-W46&form=txt").text.startswith("CV Analytics")
    assert owner.get("/dashboard/report?week=2025-W47").status_code == 200
    assert owner.get("/dashboard/report?week=2025-W99").status_code == 404
    again = owner.post("/dashboard/send", data={"csrf": owner.form_token(), "week": "2025-W46"})
    assert "Nothing was sent" in again.text
    first = owner.post("/dashboard/send", data={"csrf": owner.form_token(), "week": "2025-W47"})
    assert "The report is sent." in first.text


def test_a_session_cookie_is_no_share_and_a_share_no_sign_in(play: Play) -> None:
    owner = play("normal")
    cookie = owner.cookies["cv_analytics_owner"]
    assert owner.get(f"/dashboard/shared?key={cookie}").status_code == 403
    stranger = TestClient(create_app(), base_url=ORIGIN)
    share = token(SHARE, KEY, NOW // 1_000 + 60, id="x")
    assert stranger.get(f"/dashboard?token={share}").status_code == 401


@pytest.mark.parametrize("path", ["", "/questions", "/session?id=s1"])
def test_hostile_text_never_becomes_markup(play: Play, path: str) -> None:
    page = play("hostile").get(f"/dashboard{path}").text
    for text in HOSTILE:
        if "<" in text:
            assert text not in page
    visible = re.sub(r"<button [^>]*>", "", page)  # a decision names its skill exactly
    for hidden in "\u202e\u2066\u200b\x00\x07\x1b":
        assert hidden not in visible


def test_csv_cells_start_no_formula(play: Play) -> None:
    rows = csv.reader(io.StringIO(play("hostile").get("/dashboard/questions.csv").text))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_an_address_cannot_put_words_on_the_page(play: Play) -> None:
    page = play("normal").get("/dashboard/notes?done=%3Cb%3Eowned").text
    assert "owned" not in page


def test_the_empty_dashboard_tells_how_to_send_the_first_event(play: Play) -> None:
    assert "/v1/events" in play("empty").get("/dashboard").text


def test_an_erased_question_leaves_the_board_at_once(play: Play) -> None:
    owner = play("one")
    assert 'href="dashboard/questions?period=4w">1<' in owner.get("/dashboard").text
    [key] = services().fact_store.of_session("s1")
    services().fact_store.remove("s1", [key])
    services().summariser.refresh(Partition(date(2025, 11, 17), 0))
    assert "No question arrived in this period." in owner.get("/dashboard").text


def test_the_receipt_names_no_session() -> None:
    assert "session" not in Receipt.__dataclass_fields__


def test_every_link_of_the_mail_opens_what_it_shows(play: Play) -> None:
    owner = play("normal")
    report = services().report_builder.build(Week(2025, 46))
    model = letter(report, signed_link("", KEY, NOW))
    counts = dict(zip((number.label for number in model.numbers), (28, 10, 8, 12, 5), strict=True))
    for number in model.numbers:
        count = counts[number.label]
        assert re.search(rf"\b{count}\b", f"{number.value} {number.note}")
        page = owner.get(number.url).text
        assert f'id="count">{count}<' in page, number.label
        ids = set(re.findall(r"dashboard/question\?at=\d+&amp;id=([\w-]+)", page))
        more = re.findall(r'href="([^"]*cursor=[^"]*)"', page)
        if more:
            page = owner.get("/dashboard/questions" + more[0].replace("&amp;", "&")).text
            ids |= set(re.findall(r"dashboard/question\?at=\d+&amp;id=([\w-]+)", page))
        assert len(ids) == count, number.label
    for row in (*model.actions, *model.topics):
        opened = owner.get(row.url)
        assert opened.status_code == 200
        assert not row.quote or html_escape(row.quote) in opened.text


def test_a_recipient_ends_the_mails_with_a_button_and_a_scanner_does_not(play: Play) -> None:
    play("normal")
    recipient = services().settings.recipients[0]
    stranger = TestClient(create_app(), base_url=ORIGIN)
    link = unsubscribe_link("", KEY, NOW, recipient)
    assert recipient not in link
    assert "End the weekly mails?" in stranger.get(link).text
    assert services().suppressions.all() == {}
    for _ in range(2):
        ended = stranger.post(link, data={"List-Unsubscribe": "One-Click"})
        assert (ended.status_code, "No more weekly mails" in ended.text) == (200, True)
    assert services().suppressions.all() == {recipient: Stop("unsubscribed", NOW)}


def test_no_other_link_ends_mails_and_the_unsubscribe_link_opens_nothing_else(play: Play) -> None:
    play("normal")
    stranger = TestClient(create_app(), base_url=ORIGIN)
    recipient = services().settings.recipients[0]
    sound = unsubscribe_link("", KEY, NOW, recipient)
    old = unsubscribe_link("", KEY, NOW - 401 * 86_400_000, recipient)
    foreign = unsubscribe_link("", KEY, NOW, "stranger@cv.example")
    sign_in = signed_link("", KEY, NOW).replace("/dashboard", "/dashboard/unsubscribe")
    for link in (old, foreign, sign_in, sound[:-2], "/dashboard/unsubscribe"):
        assert stranger.get(link).status_code == 403
        assert stranger.post(link).status_code == 403
    assert services().suppressions.all() == {}
    assert stranger.get(sound.replace("/unsubscribe", "")).status_code == 401


def test_a_receipt_that_nobody_knows_is_not_found_though_the_processor_answers(play: Play) -> None:
    answer = play("one").get("/dashboard/erasure?id=unknown")
    assert answer.status_code == 404
    assert "There is no such receipt" in answer.text


@pytest.mark.parametrize(
    ("day", "told"),
    [("2025-11-12", "The note is saved."), ("2025-01-01", "not among the days shown: see Notes")],
)
def test_a_note_outside_of_the_shown_days_says_where_it_is(play: Play, day: str, told: str) -> None:
    owner = play("one")
    data = {"csrf": owner.form_token(), "day": day, "text": "wrote", "back": "period=4w"}
    assert told in owner.post("/dashboard/note", data=data).text


@pytest.mark.parametrize(
    ("state", "path", "told"),
    [
        ("normal", "?from=2024-01-01&to=2024-01-02", "No question arrived in this period."),
        ("silent", "", "at most). The last question came on"),
        ("normal", "?period=last", "Not compared with the Processor yet"),
        ("one", "", "The only question got an answer in part."),
        ("one", "?period=week", "Compared with the same days of the week before."),
    ],
)
def test_the_board_says_what_is_known_and_no_more(
    play: Play, state: str, path: str, told: str
) -> None:
    page = " ".join(play(state).get(f"/dashboard{path}").text.split())
    assert told in page
    for praise in ("Every question got an answer", "No skill has a gap", "same words as your CV"):
        assert praise not in page
