"""Every number that is a link opens exactly its questions: page, pages, CSV and API agree.

The order is the same everywhere: newest first, within a millisecond by id, the last first.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from html import unescape
from itertools import chain, product
from urllib.parse import parse_qsl, urlencode, urljoin

import pytest

from cv_reporter.application.dashboard_view import read_view
from tests.dashboard.conftest import ORIGIN, Owner, Play
from tests.dashboard.scenarios import SCENARIOS, TODAY

STATES = {
    "normal": ("?period=last",),
    "busy": ("?from=2025-11-13&to=2025-11-13",),
    "unreachable": ("?from=2025-11-15&to=2025-11-16",),
    "one": ("", "?period=week"),
    "unmeasured": ("?from=2025-11-12&to=2025-11-13&attacks=no",),
    "hostile": ("?from=2025-11-16&to=2025-11-16",),
    "silent": ("?from=2025-11-05&to=2025-11-06",),
    "texts": ("?from=2025-11-13&to=2025-11-14",),
    "common": ("?period=last",),
}
NUMBER = re.compile(r'<a class="num" href="([^"]*)">([\d,]+)<')
LISTED = re.compile(r'class="q"><a href="[^"]*id=([^"]*)"')
IN_API = {"outcome", "skill", "intent", "session", "text", "offered", "word", "audience", "attacks"}


@dataclass(frozen=True)
class Number:
    """A number of a page and the address that it opens."""

    n: int
    address: str


def numbers(owner: Owner, path: str) -> list[Number]:
    """The page's numbers, those of menus and closed parts too: they are all in its text."""
    page = owner.get(path).text
    links = [(urljoin(ORIGIN + path, unescape(href)), n) for href, n in NUMBER.findall(page)]
    return [Number(int(n.replace(",", "")), address) for address, n in links]


def listed(owner: Owner, address: str) -> tuple[str, list[str]]:
    """The count that a list names, and the ids of all its pages in order."""
    page = owner.get(address).text
    shown = re.search(r'id="count">([\d,]+)<', page)
    ids: list[str] = []
    while True:
        ids += map(unescape, LISTED.findall(page))
        following = re.search(r'href="(\?[^"]*)" rel="next"', page)
        if not following:
            return (shown[1] if shown else ""), ids
        page = owner.get(urljoin(address, unescape(following[1]))).text


def exported(owner: Owner, address: str) -> list[str]:
    text = owner.get(address.replace("/questions?", "/questions.csv?")).text
    return [row["request_id"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))]


def of_api(owner: Owner, address: str) -> list[str] | None:
    """The ids that the API gives for the same filters; nothing if it has no such filter."""
    given = dict(parse_qsl(address.partition("?")[2]))
    filters = {k: v for k, v in given.items() if k not in {"period", "from", "to"}}
    if not set(filters) <= IN_API:
        return None
    view = read_view(given, TODAY)
    asked = {"from": str(view.period.first), "to": str(view.period.last), "limit": "100"}
    asked |= {"sessionId" if k == "session" else k: v for k, v in filters.items()}
    if asked.get("outcome") == "unanswered":
        asked["unanswered"] = "true"
        del asked["outcome"]
    if asked.get("attacks") == "no":
        asked["attacks"] = "false"
    ids: list[str] = []
    while True:
        page = owner.get(f"/v1/questions?{urlencode(asked)}").json()
        ids += [item["requestId"] for item in page["items"]]
        if not page.get("nextCursor"):
            return ids
        asked["cursor"] = page["nextCursor"]


@pytest.mark.parametrize("state", STATES)
def test_every_number_opens_exactly_its_list_in_every_period(play: Play, state: str) -> None:
    owner = play(state)
    addresses: dict[str, int] = {}
    for number in chain.from_iterable(
        numbers(owner, f"/dashboard{page}{path}")
        for page, path in product(("", "/details"), STATES[state])
    ):
        assert addresses.setdefault(number.address, number.n) == number.n, number.address
    assert len(addresses) >= 1
    asked = {fact.request_id: fact.asked_at for fact in SCENARIOS[state].facts()}
    for address, n in addresses.items():
        count, ids = listed(owner, address)
        assert (count, len(ids), len(set(ids))) == (f"{n:,}", n, n), address
        assert ids == [id_ for _, id_ in sorted(((asked[id_], id_) for id_ in ids), reverse=True)]
        assert exported(owner, address) == ids, address
        assert of_api(owner, address) in (None, ids), address


def test_the_crawler_meets_every_kind_of_number(play: Play) -> None:
    owner = play("texts")
    found = chain.from_iterable(
        numbers(owner, f"/dashboard{page}?period={period}")
        for page, period in product(("", "/details"), ("last", "4w"))
    )
    kinds = {name for number in found for name, _ in parse_qsl(number.address.partition("?")[2])}
    assert kinds >= {"outcome", "skill", "intent", "group", "offered", "word", "audience", "show"}


def test_a_mark_that_would_need_too_many_questions_is_no_link_and_refused(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = play("normal")
    assert [n for n in numbers(owner, "/dashboard") if "show=sessions" in n.address]
    for module in ("board_text", "questions"):
        monkeypatch.setattr(f"cv_reporter.entrypoints.dashboard.{module}.MAX_MARKED", 20)
    assert not [n for n in numbers(owner, "/dashboard") if "show=sessions" in n.address]
    refused = owner.get("/dashboard/questions?period=4w&show=sessions")
    assert (refused.status_code, "Choose fewer days" in refused.text) == (422, True)


def test_a_list_that_is_too_long_to_count_says_so_and_leaves_nothing_out(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = play("normal")
    monkeypatch.setattr("cv_reporter.application.queries.MAX_EXAMINED", 30)
    page = owner.get("/dashboard/questions?period=4w").text
    assert "they are not counted" in page
    _, ids = listed(owner, f"{ORIGIN}/dashboard/questions?period=4w")
    assert len(ids) == len([f for f in SCENARIOS["normal"].facts() if f.audience == "visitor"])
