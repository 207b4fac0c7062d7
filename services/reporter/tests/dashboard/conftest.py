from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

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

    def enter(self) -> Owner:
        """Follow a fresh link."""
        assert self.get(signed_link("", KEY, NOW)).status_code == 200
        return self

    def form_token(self, path: str = "/dashboard/notes") -> str:
        """What a form of a page carries."""
        return self.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]


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
