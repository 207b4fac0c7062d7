"""In a browser too, every number opens exactly its list, on a phone and on a desk."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import DESKTOP, Visit

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
LIST = """() => ({
  count: document.querySelector('#count')?.textContent,
  seen: document.querySelector('#count')?.getBoundingClientRect().height > 0,
  ids: [...document.querySelectorAll('.q a')].map(
    link => new URL(link.href).searchParams.get('id')),
  next: document.querySelector('a[rel=next]')?.href,
})"""


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
        opened = listed(seen.page, address)
        assert (opened["count"], len(opened["ids"])) == (n, int(n.replace(",", ""))), address
        assert opened["ids"] == exported(seen.page, address), address


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


def listed(page: Any, address: str) -> dict[str, Any]:
    """The list's count, and the ids of all its pages in order; the count is seen at both widths."""
    page.goto(address)
    first: dict[str, Any] = page.evaluate(LIST)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(LIST)["seen"], size
    following = first["next"]
    while following:
        page.goto(following)
        later = page.evaluate(LIST)
        first["ids"] += later["ids"]
        following = later["next"]
    return first


def exported(page: Any, address: str) -> list[str]:
    """The ids of the file that the list offers."""
    text = page.request.get(re.sub(r"/questions\?", "/questions.csv?", address)).text()
    return [row["request_id"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))]
