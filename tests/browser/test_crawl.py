"""In a browser too, every number opens exactly its list, on a phone and on a desk."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin

import pytest
from conftest import DESKTOP, Visit
from playwright.sync_api import expect

Open = Callable[..., Visit]

PHONE = {"width": 390, "height": 844}
STATES = {
    "normal": "?period=last",
    "busy": "?from=2025-11-13&to=2025-11-13",
    "one": "",
    "unmeasured": "?from=2025-11-12&to=2025-11-13&attacks=no",
    "hostile": "?from=2025-11-16&to=2025-11-16",
    "unreachable": "?from=2025-11-15&to=2025-11-16",
    "silent": "?from=2025-11-05&to=2025-11-06",
    "texts": "?from=2025-11-13&to=2025-11-14",
    "common": "?period=last",
}
NUMBERS = """() => {
  document.querySelectorAll('details').forEach(part => { part.name = ''; part.open = true; });
  return [...document.querySelectorAll('a.num')].map(link => {
    const box = link.getBoundingClientRect();
    return [link.href, link.firstChild.textContent, box.width > 0 && box.height > 0
      && box.left >= 0 && box.right <= document.documentElement.clientWidth];
  });
}"""
COUNT = re.compile(r'id="count">([\d,]+)<')
LISTED = re.compile(r'class="q"><a href="[^"]*id=([^"]*)"')
NEXT = re.compile(r'href="(\?[^"]*)" rel="next"')


@pytest.mark.parametrize("state", STATES)
def test_every_number_opens_exactly_its_list_at_both_widths(visit: Open, state: str) -> None:
    seen = visit(state, size=PHONE).enter()
    addresses: dict[str, str] = {}
    for page in ("", "/details"):
        shown = numbers(seen.go(page + STATES[state]))
        for address, n in shown:
            assert addresses.setdefault(address, n) == n, address
    assert addresses
    for address, n in addresses.items():
        count, ids = listed(seen.page, address)
        assert (count, len(ids)) == (n, int(n.replace(",", ""))), address
        assert ids == exported(seen.page, address), address
    for address in {kind(address): address for address in addresses}.values():
        seen.page.goto(address)
        for size in (DESKTOP, PHONE):
            seen.page.set_viewport_size(size)
            expect(seen.page.locator("#count")).to_have_text(addresses[address])


def kind(address: str) -> tuple[str, ...]:
    """The names of a list's filters: lists of one kind look alike."""
    return tuple(name for name, _ in parse_qsl(address.partition("?")[2]))


def numbers(seen: Visit) -> list[tuple[str, str]]:
    """The page's numbers and what they open: the same, and within the window, at both widths."""
    at_width = []
    for size in (DESKTOP, PHONE):
        seen.page.set_viewport_size(size)
        links = seen.page.evaluate(NUMBERS)
        assert [address for address, _, visible in links if not visible] == [], size
        at_width.append([(address, n) for address, n, _ in links])
    assert at_width[0] == at_width[1]
    return at_width[0]


def listed(page: Any, address: str) -> tuple[str, list[str]]:
    """The count that a list names, and the ids of all its pages in order.

    Asked for with the browser's session, but not drawn: one list of each kind is.
    """
    html = page.request.get(address).text()
    count, ids = "".join(COUNT.findall(html)), LISTED.findall(html)
    while following := NEXT.search(html):
        html = page.request.get(urljoin(address, unescape(following[1]))).text()
        ids += LISTED.findall(html)
    return count, [unescape(id_) for id_ in ids]


def exported(page: Any, address: str) -> list[str]:
    """The ids of the file that the list offers."""
    text = page.request.get(re.sub(r"/questions\?", "/questions.csv?", address)).text()
    return [row["request_id"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))]
