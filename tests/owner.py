"""The owner at the dashboard: a browser without a window, with its cookies, links and forms."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOVED: Final = re.compile(r"<dt>(\w+)</dt><dd>(\d+) questions? removed</dd>")
TIMEOUT_SECONDS: Final = 60


@contextmanager
def signed_in(link: str) -> Iterator[Owner]:
    """Opens a mail's link and presses its button. Raises `httpx.HTTPStatusError` if refused."""
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_SECONDS, trust_env=False) as browser:
        page = browser.get(link).raise_for_status()
        form = Form.on(page.text, "dashboard/enter")
        entered = browser.post(urljoin(str(page.url), form.action), data=form.fields)
        yield Owner(browser, entered.raise_for_status().url)


@dataclass(frozen=True)
class Owner:
    """Nothing is signed with a key: only the browser's cookie tells who it is."""

    browser: httpx.Client
    board: httpx.URL

    def look(self, page: str, **query: str) -> httpx.Response:
        """A page of the dashboard (`session`), whatever its status."""
        return self.browser.get(f"{self.board}/{page}", params=query)

    def erase(self, session: str) -> str:
        """Fill in and send the form that erases a session; the address of the receipt."""
        page = self.look("erase", id=session).raise_for_status()
        form = Form.on(page.text, "dashboard/erase")
        answer = self.send(page.url, form.action, form.fields | {"sure": "yes"})
        return str(answer.raise_for_status().url)

    def erase_question(self, request_id: str, asked_at: int) -> str:
        """Fill in and send the form that erases a question; the address of the receipt."""
        page = self.look("erase-question", id=request_id, at=str(asked_at)).raise_for_status()
        form = Form.on(page.text, "dashboard/erase-question")
        answer = self.send(page.url, form.action, form.fields | {"sure": "yes"})
        return str(answer.raise_for_status().url)

    def send(self, page: httpx.URL, action: str, fields: dict[str, str]) -> httpx.Response:
        """Send a form's fields to its action, which may be relative to its page."""
        return self.browser.post(urljoin(str(page), action), data=fields)

    def receipt(self, address: str) -> dict[str, int]:
        """Questions removed, by the service that reported so (`Processor`, `Reporter`)."""
        page = self.browser.get(address).raise_for_status().text
        return {service: int(removed) for service, removed in REMOVED.findall(page)}


class Form(HTMLParser):
    """The form of a page with a certain action, and the hidden fields that it would send."""

    @classmethod
    def on(cls, page: str, action: str) -> Form:
        """Raises `LookupError` if the page has no form whose action ends so."""
        form = cls(action)
        form.feed(page)
        if not form.action:
            raise LookupError(f"no form for {action}")
        return form

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._wanted = wanted
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A form begins, or a field of it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("action", "").endswith(self._wanted)
            self.action = given["action"] if self._inside else self.action
        elif tag == "input" and self._inside and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        """What comes after the form is none of its fields."""
        self._inside = self._inside and tag != "form"
