"""The README's pictures: `python tests/browser/pictures.py docs/images`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from conftest import CHROMIUM, DESKTOP, PHONE, PYTHON, QUIET, REPORTER
from playwright.sync_api import Browser, sync_playwright


def picture(
    browser: Browser,
    link: str,
    path: str,
    file: Path,
    *,
    scheme: str = "light",
    phone: bool = False,
) -> None:
    """One page, as high as the window."""
    size = PHONE if phone else {**DESKTOP, "height": 1_000 if scheme == "dark" else 1_480}
    context = browser.new_context(
        viewport=size, color_scheme=scheme, device_scale_factor=2 if phone else 1.25, locale="en-GB"
    )
    page = context.new_page()
    page.goto(link)
    page.goto(link.partition("?")[0] + path)
    page.screenshot(path=file)
    context.close()


def main(folder: Path) -> None:
    """Take all three."""
    command = [PYTHON, "-m", "tests.dashboard.serve", "normal"]
    serving = subprocess.Popen(command, cwd=REPORTER, stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    with sync_playwright() as playwright, closing(serving.stdout) as told:
        link = told.readline().strip()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        picture(browser, link, "?period=last", folder / "dashboard.png")
        questions = "/questions?period=last&outcome=unanswered"
        picture(browser, link, questions, folder / "dashboard-questions.png", scheme="dark")
        picture(browser, link, "?period=last", folder / "dashboard-phone.png", phone=True)
        browser.close()
        serving.terminate()
        serving.wait(timeout=20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
