from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape

import pytest
from fastapi.testclient import TestClient

from cv_reporter.application.entry import signed_link
from cv_reporter.entrypoints.api import create_app
from tests.component.world import KEY
from tests.dashboard.scenarios import NOW, SCENARIOS, FakeErasures, playing

ORIGIN = "https://cv.example"


class Owner(TestClient):
    """A browser that came in by a signed link."""

    erasures: FakeErasures

    def enter(self, link: str = "") -> Owner:
        """Follow a link, a fresh one if none is given, and press its button."""
        page = self.get(link or signed_link("", KEY, NOW)).text
        answer = self.post("/dashboard/enter", data=hidden(page, "dashboard/enter"))
        assert answer.status_code in {200, 303}
        return self

    def form_token(self, path: str = "/dashboard/notes") -> str:
        """What a form of a page carries."""
        return self.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    fields = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in fields}


Play = Callable[[str], Owner]


@pytest.fixture
def play() -> Iterator[Play]:
    """Puts the dashboard in a state and signs in."""
    with ExitStack() as stack:

        def played(scenario: str) -> Owner:
            erasures = stack.enter_context(playing(SCENARIOS[scenario]))
            owner = Owner(create_app(), base_url=ORIGIN, follow_redirects=True)
            owner.erasures = erasures
            return owner.enter()

        yield played
