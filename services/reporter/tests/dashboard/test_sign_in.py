"""The ways in and out: a link's page has a button, and signing out ends the session here."""

from __future__ import annotations

import pytest
from httpx2 import Response

from cv_reporter.application.entry import LINK, LINK_DAYS, signed_link, token
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.api import create_app
from tests.component.world import KEY
from tests.dashboard.conftest import ORIGIN, Owner, Play, hidden
from tests.dashboard.scenarios import NOW

DAY = 86_400_000
COOKIE = "cv_analytics_owner"


def stranger(origin: str = ORIGIN) -> Owner:
    return Owner(create_app(), base_url=origin, follow_redirects=False)


def entered(visitor: Owner, link: str) -> Response:
    form = hidden(visitor.get(link).text, "dashboard/enter")
    return visitor.post("/dashboard/enter", data=form)


def test_following_a_link_creates_no_session_and_pressing_its_button_does(play: Play) -> None:
    play("normal")
    visitor = stranger()
    for method in ("GET", "HEAD"):
        opened = visitor.request(method, signed_link("", KEY, NOW))
        assert (opened.status_code, "set-cookie" in opened.headers) == (200, False)
    assert "GraphQL" not in visitor.get(signed_link("", KEY, NOW)).text
    assert visitor.get("/dashboard").status_code == 401
    assert entered(visitor, signed_link("", KEY, NOW)).status_code == 303
    assert visitor.get("/dashboard").status_code == 200


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("", "../dashboard"),
        ("&from=2025-11-10&to=2025-11-16", "../dashboard?from=2025-11-10&to=2025-11-16"),
        ("&period=last", "../dashboard?period=last"),
        ("&page=questions&skill=C%2B%2B", "../dashboard/questions?skill=C%2B%2B"),
        ("&page=question&at=1&id=r1", "../dashboard/question?at=1&id=r1"),
        ("&page=//evil.example", "../dashboard"),
        ("&page=../x&a=%0d%0aSet-Cookie:x", "../dashboard?a=%0D%0ASet-Cookie%3Ax"),
    ],
)
def test_a_link_keeps_its_target_and_never_leaves_the_dashboard(
    play: Play, given: str, where: str
) -> None:
    play("normal")
    visitor = stranger()
    link = signed_link("", KEY, NOW) + given
    assert entered(visitor, link).headers["location"] == where
    again = visitor.get(link)
    assert (again.status_code, again.headers["location"]) == (303, where.removeprefix("../"))


def test_a_forged_target_leads_to_the_board(play: Play) -> None:
    play("normal")
    form = hidden(stranger().get(signed_link("", KEY, NOW)).text, "dashboard/enter")
    for target in ("//evil.example", "https://evil.example/", "/../../x", "\\evil"):
        answer = stranger().post("/dashboard/enter", data=form | {"target": target})
        assert answer.headers["location"] == "../dashboard"


def test_the_address_with_a_slash_keeps_its_link(play: Play) -> None:
    play("normal")
    visitor = stranger()
    link = signed_link("", KEY, NOW).replace("/dashboard?", "/dashboard/?") + "&period=last"
    answer = visitor.get(link)
    assert answer.headers["location"] == "../dashboard?" + link.partition("?")[2]


def test_a_sign_in_ends_when_its_link_does(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play("normal")
    visitor = stranger()
    link = signed_link("", KEY, NOW - (LINK_DAYS - 1) * DAY)
    cookie = entered(visitor, link).headers.get_list("set-cookie")[1]
    assert f"Max-Age={DAY // 1_000};" in cookie
    monkeypatch.setattr(type(services()), "now_ms", lambda _: NOW + DAY - 1)
    assert visitor.get("/dashboard").status_code == 200
    monkeypatch.setattr(type(services()), "now_ms", lambda _: NOW + DAY)
    assert visitor.get("/dashboard").status_code == 401
    assert entered(stranger(), link).status_code == 422  # its page has no form any more


def test_signing_out_ends_every_copy_of_the_cookie_and_no_other_sign_in(play: Play) -> None:
    owner, other = play("normal"), stranger().enter()
    copied = stranger()
    copied.cookies.set(COOKIE, owner.cookies[COOKIE], domain="cv.example", path="/dashboard")
    assert copied.get("/dashboard").status_code == 200
    data = {"csrf": owner.form_token()}
    assert "You are signed out" in owner.post("/dashboard/leave", data=data).text
    for path in ("", "/questions.csv"):
        assert copied.get(f"/dashboard{path}").status_code == 401
    data["decision"] = "done:Kubernetes"
    assert copied.post("/dashboard/gap", data=data).status_code == 401
    assert other.get("/dashboard").status_code == 200


def test_a_sign_in_leads_back_to_the_page_that_was_asked_for(play: Play) -> None:
    play("normal")
    visitor = stranger()
    assert visitor.get("/dashboard/questions?skill=C%2B%2B&period=last").status_code == 401
    answer = entered(visitor, signed_link("", KEY, NOW))
    assert answer.headers["location"] == "../dashboard/questions?skill=C%2B%2B&period=last"
    own = entered(stranger(), signed_link("", KEY, NOW) + "&page=notes")
    assert own.headers["location"] == "../dashboard/notes"


def test_the_cookie_is_the_browsers_alone(play: Play) -> None:
    play("empty")
    cookies = entered(stranger(), signed_link("", KEY, NOW)).headers.get_list("set-cookie")
    [cookie] = [each for each in cookies if each.startswith(COOKIE)]
    assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(cookie.split("; "))
    local = entered(stranger("http://127.0.0.1"), signed_link("", KEY, NOW))
    assert "Secure" not in local.headers["set-cookie"]


def test_a_token_that_opens_nothing_enters_nowhere(play: Play) -> None:
    play("normal")
    for forged in ("x", token(LINK, "another key", NOW), token(LINK, KEY, NOW // 1_000)):
        answer = stranger().post("/dashboard/enter", data={"token": forged})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert stranger().get(f"/dashboard?token={forged}").status_code == 401


@pytest.mark.parametrize(
    "path", ["/dashboard", "/dashboard/questions", "/dashboard/style.css", "/health", "/v1/gaps"]
)
def test_head_answers_what_get_answers_without_the_body(play: Play, path: str) -> None:
    owner = play("normal")
    got, head = owner.get(path), owner.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
