"""Chromium, and the dashboard in any of its states, each served once for all tests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

HERE = Path(__file__).parent
REPORTER = HERE.parent.parent / "services" / "reporter"
PYTHON = os.environ.get("REPORTER_PYTHON", str(REPORTER / ".venv" / "bin" / "python"))
FOUND = HERE.parent.parent / ".local" / "chromium" / "path"  # by tools/build/chromium.py
CHROMIUM = FOUND.read_text("utf-8").strip() if FOUND.exists() else "/usr/bin/chromium"
CHROMIUM = os.environ.get("CHROMIUM") or CHROMIUM
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 812}
WCAG = "wcag2a wcag2aa wcag21a wcag21aa wcag22aa"
ALL_RULES = f"{WCAG} best-practice"


def enter(page: Page, link: str) -> None:
    """Open a signed link and press its button."""
    page.goto(link)
    with page.expect_navigation():
        page.get_by_role("button", name="Open the dashboard").click()


@dataclass
class Visit:
    """A browser window on one state of the dashboard, and what went on in it."""

    page: Page
    link: str
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The address of the board."""
        return self.link.partition("?")[0]

    def enter(self) -> Visit:
        """Sign in."""
        enter(self.page, self.link)
        return self

    def go(self, path: str = "") -> Visit:
        """Open a page, with the list of requests started anew."""
        self.requests.clear()
        self.responses.clear()
        self.page.goto(self.root + path)
        return self

    def violations(self, rules: str = ALL_RULES) -> list[str]:
        """What axe-core finds."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            """async rules => (await axe.run(document, {runOnly: rules})).violations.map(
            v => v.id + ": " + v.nodes.slice(0, 3).map(
              n => n.html.slice(0, 160) + " | " + (n.any[0] || {}).message).join("; "))""",
            rules.split(),
        )
        return list(found)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[str], str]]:
    """Serves a state when it is first asked for; gives the link that leads in."""
    links: dict[str, str] = {}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [PYTHON, "-m", "tests.dashboard.serve"]
    with subprocess.Popen(command, cwd=REPORTER, start_new_session=True, **pipes) as serving:
        asking, telling = serving.stdin, serving.stdout
        assert asking is not None
        assert telling is not None

        def served(scenario: str) -> str:
            if scenario not in links:
                asking.write(f"{scenario}\n")
                asking.flush()
                link = telling.readline().strip()
                assert link.startswith("http://127.0.0.1:"), f"the state {scenario!r} did not start"
                links[scenario] = link
            return links[scenario]

        yield served
        os.killpg(serving.pid, signal.SIGTERM)


@pytest.fixture
def visit(chromium: Browser, serve: Callable[[str], str]) -> Iterator[Callable[..., Visit]]:
    """Opens a window on a state; at the end, nothing may have gone to another host."""
    visits: list[Visit] = []

    def opened(scenario: str, *, size: Any = None, scheme: str = "light", **more: Any) -> Visit:
        context = chromium.new_context(
            viewport=size or DESKTOP, color_scheme=scheme, bypass_csp=True, locale="en-GB", **more
        )
        context.set_default_timeout(20_000)
        new = Visit(context.new_page(), serve(scenario))
        new.page.on("request", lambda request: new.requests.append(request))
        new.page.on("response", lambda response: new.responses.append(response))
        new.page.on("console", lambda message: new.messages.append(message.text))
        new.page.on("pageerror", lambda error: new.messages.append(str(error)))
        new.page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        visits.append(new)
        return new

    yield opened
    for each in visits:
        foreign = [r.url for r in each.requests if not r.url.startswith("http://127.0.0.1:")]
        each.page.context.close()
        assert foreign == []
