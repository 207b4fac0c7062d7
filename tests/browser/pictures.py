"""The README's pictures: `python tests/browser/pictures.py docs/images`."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from conftest import CHROMIUM, PYTHON, QUIET, REPORTER, enter
from playwright.sync_api import Browser, Page, sync_playwright

BOARD = "?period=last"
QUESTIONS = "/questions?period=last&outcome=unanswered"
DESK, PHONE = 1_100, 390
PAGES = (
    ("dashboard", BOARD, DESK, "light"),
    ("dashboard-dark", BOARD, DESK, "dark"),
    ("dashboard-phone", BOARD, PHONE, "light"),
    ("dashboard-phone-dark", BOARD, PHONE, "dark"),
    ("dashboard-questions", QUESTIONS, DESK, "dark"),
)
LETTERS = (
    ("mail", 600, "light"),
    ("mail-dark", 600, "dark"),
    ("mail-phone-light", 360, "light"),
    ("mail-phone", 360, "dark"),
)


def new_page(browser: Browser, width: int, scheme: Any, scale: float) -> Page:
    """A window of that width, in a colour scheme."""
    context = browser.new_context(
        viewport={"width": width, "height": 400},
        color_scheme=scheme,
        device_scale_factor=scale,
        locale="en-GB",
    )
    return context.new_page()


def dashboard_pictures(browser: Browser, link: str, folder: Path) -> None:
    """The sample's board and a list."""
    for name, path, width, scheme in PAGES:
        page = new_page(browser, width, scheme, 2)
        enter(page, link)
        page.goto(link.partition("?")[0] + path)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        page.context.close()


def mail_pictures(browser: Browser, folder: Path) -> None:
    """The sample week's mail, in a mail program and on a phone."""
    command = [PYTHON, "-m", "tests.letters"]
    done = subprocess.run(command, cwd=REPORTER, check=True, capture_output=True, text=True)
    html = json.loads(done.stdout)["normal"]
    for name, width, scheme in LETTERS:
        page = new_page(browser, width, scheme, 1)
        page.set_content(html)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        page.context.close()


def main(folder: Path) -> None:
    """Take all of them."""
    command = [PYTHON, "-m", "tests.dashboard.serve", "normal"]
    serving = subprocess.Popen(command, cwd=REPORTER, stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    with sync_playwright() as playwright, closing(serving.stdout) as told:
        link = told.readline().strip()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        dashboard_pictures(browser, link, folder)
        mail_pictures(browser, folder)
        browser.close()
        serving.terminate()
        serving.wait(timeout=20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
