"""The archive: who got which version, what was never sent, and what the owner does about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from cv_reporter.adapters.aws import client_without_retries
from cv_reporter.application.archive import UNDER_WAY_MS
from cv_reporter.application.ports import Sending
from cv_reporter.application.wire.documents import read_report
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.fact import Outcome
from cv_reporter.entrypoints import report as schedule
from cv_reporter.presentation.mail import IN_DASHBOARD, letter, render_html, render_text, subject
from tests.component import world as worlds
from tests.dashboard.conftest import Owner, Play
from tests.dashboard.scenarios import DAY, NOW, keep
from tests.sample import fact

OWNER, FRIEND = worlds.OWNER, "friend@cv.example"
W46, W47 = Week(2025, 46), Week(2025, 47)
NEXT_MONDAY = NOW + 7 * DAY


@pytest.fixture
def two(play: Play, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Owner]:
    """As `play`, with two recipients."""

    def played(scenario: str) -> Owner:
        monkeypatch.setitem(worlds.ENVIRONMENT, "RECIPIENTS", f"{OWNER},{FRIEND}")
        return play(scenario)

    return played


@contextmanager
def at(now: int) -> Iterator[None]:
    """Another time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Services, "now_ms", lambda _: now)
        worlds.forget()
        yield
    worlds.forget()


@contextmanager
def failing(kind: str) -> Iterator[None]:
    """SES fails: refuses, breaks down, never answers, or cannot be reached."""

    def fail(**_: Any) -> Any:
        if kind == "no answer":
            raise ReadTimeoutError(endpoint_url="https://ses.example")
        if kind == "unreachable":
            raise ConnectTimeoutError(endpoint_url="https://ses.example")
        status = {"refused": 400, "broken": 500}[kind]
        error = {"Error": {"Code": "E"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("https://ses.example", status, {}, None), error

    events = client_without_retries("sesv2").meta.events
    events.register_first("before-call", fail)
    try:
        yield
    finally:
        events.unregister("before-call", fail)


def do(owner: Owner, form: str, **values: str) -> str:
    """Send a form of the page Reports; the text of the page that comes back."""
    answer = owner.post(f"/dashboard/{form}", data={"csrf": owner.form_token(), **values})
    assert answer.status_code == 200
    return words(answer.text)


def words(html: str) -> str:
    """What a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2]).split())


def archive(owner: Owner) -> str:
    return words(owner.get("/dashboard/reports").text)


def links(owner: Owner, week: str) -> list[str]:
    """The mailed versions of a week that the archive links."""
    page = owner.get("/dashboard/reports").text
    return re.findall(rf'dashboard/(report\?week={week}&amp;version=\w+)">', page)


def ask_later(number: int = 801) -> None:
    """Another question of week 46 comes in late."""
    keep([fact(number, asked_at=NOW - 4 * DAY, session_id="late", outcome=Outcome.NONE)])


def mails() -> list[str]:
    return [mail.destinations["ToAddresses"][0] for mail in worlds.World().sent_mail()]


def test_the_archive_keeps_each_version_and_says_who_got_which(two: Callable[[str], Owner]) -> None:
    owner = two("silent")
    services().suppressions.add(FRIEND, "bounce", NOW)
    assert services().publisher.send(services().report_builder.preview(W46)).sent == 1
    ask_later()
    services().suppressions.remove(FRIEND)
    assert services().publisher.send(services().report_builder.preview(W46)).sent == 2
    assert mails() == [OWNER, FRIEND]
    versions = {line.recipient: line.version for line in services().ledger.lines("2025-W46")}
    kept = {
        who: services().report_store.letter("2025-W46", version)
        for who, version in versions.items()
    }
    asked = {who: one.questions for who, one in kept.items() if one}
    assert asked[FRIEND] == asked[OWNER] + 1
    assert len(set(links(owner, "2025-W46"))) == 2
    for link in links(owner, "2025-W46"):
        assert owner.get("/dashboard/" + link.replace("&amp;", "&")).status_code == 200
    assert owner.get("/dashboard/report?week=2025-W46&version=none").status_code == 404


def test_a_send_that_mails_nobody_replaces_no_kept_report(play: Play) -> None:
    owner = play("normal")
    before = services().report_store.get("2025-W46")
    ask_later()
    assert "Nothing was sent" in do(owner, "send", week="2025-W46")
    services().suppressions.add(OWNER, "bounce", NOW)
    schedule.handler({"week": "2025-W46"}, None)
    assert services().report_store.get("2025-W46") == before
    assert mails() == [OWNER, OWNER]  # those of the scenario, for weeks 45 and 46


def test_the_same_report_is_one_version_whenever_it_was_mailed(two: Callable[[str], Owner]) -> None:
    owner = two("silent")
    report = services().report_builder.preview(W46)
    services().publisher.send(report, only=OWNER)
    services().publisher.send(report, only=FRIEND)
    assert len(links(owner, "2025-W46")) == 2
    assert len(set(links(owner, "2025-W46"))) == 1


def test_weeks_that_were_not_built_or_not_sent_are_listed_and_can_be(play: Play) -> None:
    owner = play("silent")
    page = archive(owner)
    assert "10–16 Nov 2025 – Not built. Build 10–16 Nov 2025 Not sent to owner@cv.example" in page
    assert "3–9 Nov 2025 – Not built." in page
    assert "The report is built and kept. It was sent to nobody." in do(
        owner, "build", week="2025-W46"
    )
    page = archive(owner)
    assert "10–16 Nov 2025 0 Not sent to owner@cv.example . Send 10–16 Nov 2025 …" in page
    assert mails() == []
    assert "The report is sent." in do(owner, "send", week="2025-W46")
    assert "10–16 Nov 2025 0 This letter went to owner@cv.example" in archive(owner)
    assert mails() == [OWNER]


def test_the_archive_has_pages_until_the_first_week(play: Play) -> None:
    owner = play("silent")
    keep([fact(802, asked_at=NOW - 150 * DAY)])
    first = owner.get("/dashboard/reports").text
    older = re.findall(r'href="(\?before=[^"]+)"', first)
    second = owner.get("/dashboard/reports" + older[0]).text
    rows = [re.findall(r'<tr id="(2025-W\d\d)"', page) for page in (first, second)]
    assert rows[0] == [str(W46.minus(n)) for n in range(13)]
    assert rows[1] == [str(W46.minus(n)) for n in range(13, 22)]
    assert "before=" not in second
    assert owner.get("/dashboard/reports?before=x").status_code == 404


def test_a_mail_of_an_unfinished_week_says_so_and_does_not_stop_mondays(play: Play) -> None:
    owner = play("normal")
    keep([fact(803, asked_at=NOW - 1_000), fact(804, asked_at=NOW - 6 * DAY)])
    assert "so far now?" in words(owner.get("/dashboard/send?week=2025-W47").text)
    assert "The report is sent." in do(owner, "send", week="2025-W47")
    assert "Nothing was sent" in do(owner, "send", week="2025-W47")
    early = worlds.World().sent_mail()[-1]
    assert "17–23 Nov 2025 so far: 1 asked" in early.subject
    assert "This week is not over. It counts up to Mon 17 Nov" in early.body
    assert "The week so far went to owner@cv.example" in archive(owner)
    announced = [sk for pk, sk in worlds.World().items() if pk == "OUTBOX#2025-W47"]
    assert announced == []
    with at(NEXT_MONDAY):
        assert schedule.handler({}, None)["sent"] == 1
        assert "Nothing was sent" in do(owner, "send", week="2025-W47")
    whole = worlds.World().sent_mail()[-1]
    assert "17–23 Nov 2025: 1 asked" in whole.subject
    assert "not over" not in whole.body
    assert len(mails()) == 4
    kept = services().report_store.get("2025-W47")
    assert kept is not None
    assert not kept.unfinished


def test_an_unfinished_week_is_compared_with_the_same_days_of_the_week_before(play: Play) -> None:
    play("silent")
    keep([fact(805, asked_at=NOW - 7 * DAY), fact(806, asked_at=NOW - 3 * DAY)])
    report = services().report_builder.preview(W47)
    assert report.until == date(2025, 11, 17)
    assert report.previous is not None
    assert report.previous.questions == 1
    with at(NEXT_MONDAY):
        assert services().report_builder.preview(W47).previous.questions == 2  # type: ignore[union-attr]


def test_the_running_week_is_shown_as_it_stands_and_a_future_one_is_not(play: Play) -> None:
    owner = play("normal")
    services().report_builder.build(W47)
    keep([fact(807, asked_at=NOW - 1_000)])
    assert "1 asked" in subject(services().report_builder.preview(W47))
    assert "1 question in 1 session" in words(
        "<main" + owner.get("/dashboard/report?week=2025-W47").text
    )
    for path in ("report", "send"):
        assert owner.get(f"/dashboard/{path}?week=2031-W01").status_code == 404
    answer = owner.post("/v1/reports/2031-W01?send=true")
    assert (answer.status_code, answer.json()["detail"]) == (422, "That week has not begun.")
    assert services().report_store.get("2031-W01") is None


def test_a_kept_letter_leads_back_and_to_its_questions(play: Play) -> None:
    owner = play("normal")
    page = owner.get("/dashboard/report?week=2025-W46").text
    for link in set(re.findall(r'href="([^"]+)"', page)):
        where = f"https://cv.example/dashboard/{link}".replace("&amp;", "&")
        assert owner.get(where).status_code == 200, link
    assert "reports" in re.findall(r'href="([^"]+)"', page)
    report = services().report_builder.preview(W46)
    assert letter(report, IN_DASHBOARD).button == "../dashboard?from=2025-11-10&to=2025-11-16"
    assert "All reports" not in render_html(report, "https://api.example/dashboard?token=t")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("bounce", "a mail bounced"),
        ("complaint", "reported a mail as spam"),
        ("unsubscribed", "asked for no more mails"),
    ],
)
def test_a_stopped_address_is_shown_and_a_button_lets_mail_go_to_it_again(
    play: Play, reason: str, why: str
) -> None:
    owner = play("silent")
    services().suppressions.add(OWNER, reason, NOW)
    page = archive(owner)
    assert "Nothing goes to 1 address" in page
    assert why in page
    assert "It goes to nobody: mail to every recipient is stopped." in page
    assert "Nobody to send" in words(owner.get("/dashboard/send?week=2025-W46").text)
    page = do(owner, "resume", address=OWNER)
    assert "Mail goes to that address again" in page
    assert "Nothing goes to" not in page
    assert "Nothing was changed" in do(owner, "resume", address=OWNER)
    do(owner, "send", week="2025-W46")
    assert mails() == [OWNER]


def test_a_mail_that_was_just_begun_is_under_way_and_not_in_doubt(play: Play) -> None:
    owner = play("silent")
    services().ledger.begin(Sending("2025-W46", OWNER, "SENDING", since=NOW - UNDER_WAY_MS + 1))
    assert "A mail to owner@cv.example is under way." in archive(owner)
    answer = do(owner, "resolve", week="2025-W46", recipient=OWNER, arrived="no")
    assert "Nothing was changed" in answer
    assert mails() == []


@pytest.mark.parametrize(("arrived", "said", "sent"), [("yes", "noted", 0), ("no", "is sent", 1)])
def test_a_mail_in_doubt_is_resolved_on_the_page(
    play: Play, arrived: str, said: str, sent: int
) -> None:
    owner = play("silent")
    services().ledger.begin(Sending("2025-W46", OWNER, "SENDING", since=NOW - UNDER_WAY_MS))
    assert "We can’t tell whether the mail to owner@cv.example went out" in archive(owner)
    answer = do(owner, "resolve", week="2025-W46", recipient=OWNER, arrived=arrived)
    assert said in answer
    assert "We can’t tell" not in answer
    assert [line.state for line in services().ledger.lines("2025-W46")] == ["SENT"]
    assert len(mails()) == sent
    again = do(owner, "resolve", week="2025-W46", recipient=OWNER, arrived="no")
    assert "Nothing was changed" in again
    assert len(mails()) == sent


def test_sending_again_goes_to_the_one_whose_mail_was_in_doubt(two: Callable[[str], Owner]) -> None:
    owner = two("silent")
    services().ledger.begin(Sending("2025-W46", OWNER, "SENDING", since=NOW - UNDER_WAY_MS))
    do(owner, "resolve", week="2025-W46", recipient=OWNER, arrived="no")
    assert mails() == [OWNER]


@pytest.mark.parametrize("until", ["", "2025-11-12"])
def test_an_address_with_a_number_sign_is_read_as_it_was_written(play: Play, until: str) -> None:
    play("silent")
    claim = Sending("2025-W46", "cv#owner@cv.example", "SENDING", since=1, until=until)
    services().ledger.begin(claim)
    assert services().ledger.every_line("2025-W46") == [claim]
    assert services().ledger.lines("2025-W46") == ([] if until else [claim])


def test_a_claim_that_was_renewed_since_it_was_seen_is_not_resolved(play: Play) -> None:
    play("silent")
    ledger = services().ledger
    seen = Sending("2025-W46", OWNER, "SENDING", since=1)
    ledger.begin(seen)
    assert ledger.resolve(seen, "REFUSED")
    ledger.begin(replace(seen, since=2))
    assert not ledger.resolve(seen, "REFUSED")
    assert [line.state for line in ledger.lines("2025-W46")] == ["SENDING"]


@pytest.mark.parametrize("kind", ["no answer", "broken"])
def test_when_the_mail_service_fails_the_answer_is_doubt_and_nobody_is_mailed_twice(
    two: Callable[[str], Owner], kind: str
) -> None:
    owner = two("silent")
    with failing(kind):
        answer = owner.post("/v1/reports/2025-W46?send=true")
        page = do(owner, "send", week="2025-W46")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(
        "The report is kept; mails sent in all: 0, refused: 0, in doubt: 2."
    )
    assert "We can’t tell whether a mail went out" in page
    assert services().report_store.get("2025-W46") is not None
    assert [line.state for line in services().ledger.lines("2025-W46")] == ["SENDING", "SENDING"]
    assert owner.post("/v1/reports/2025-W46?send=true").status_code == 409
    assert mails() == []


@pytest.mark.parametrize("kind", ["refused", "unreachable"])
def test_when_no_mail_went_out_the_answer_is_503_and_the_same_request_sends(
    two: Callable[[str], Owner], kind: str
) -> None:
    owner = two("silent")
    with failing(kind):
        answer = owner.post("/v1/reports/2025-W46?send=true")
        page = do(owner, "send", week="2025-W46")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "refused: 2, in doubt: 0. The same request sends" in answer.json()["detail"]
    assert "The mail service refused a mail. Who got it stands below" in page
    assert "The mail service refused the mail to friend@cv.example" in page
    assert owner.post("/v1/reports/2025-W46?send=true").status_code == 200
    assert sorted(mails()) == sorted([OWNER, FRIEND])


def test_a_report_that_was_kept_before_there_were_versions_is_shown(play: Play) -> None:
    owner = play("silent")
    services().report_builder.build(W46)
    table = services().table
    old = table.get("REPORT", "2025-W46")
    assert old is not None
    table.put({name: old[name] for name in old if name not in {"version", "builtAt", "unfinished"}})
    services().ledger.close(Sending("2025-W46", OWNER, "SENT", "m", since=NOW))
    assert "This letter went to owner@cv.example" in archive(owner)
    assert owner.get("/dashboard/report?week=2025-W46").status_code == 200
    kept = services().report_store.get("2025-W46")
    assert kept is not None
    assert (kept.version, kept.unfinished) == ("", False)
    assert render_text(read_report(kept.body))


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(5, 8, 62.5), (181, 182, 99.5), (1, 182, 0.5)]
)
def test_a_share_has_the_same_digits_in_mail_dashboard_and_api(
    play: Play, part: int, whole: int, percent: float
) -> None:
    owner = play("empty")
    outcomes = [Outcome.FULL] * part + [Outcome.NONE] * (whole - part)
    asked = NOW - 4 * DAY
    keep([fact(n, asked_at=asked + n, outcome=outcome) for n, outcome in enumerate(outcomes)])
    week = "from=2025-11-10&to=2025-11-16"
    assert f"{percent}%" in words(owner.get(f"/dashboard?{week}").text)
    assert f"Answered in full: {percent}%" in render_text(services().report_builder.preview(W46))
    assert owner.get(f"/v1/summary?{week}").json()["totals"]["fullPercent"] == percent
