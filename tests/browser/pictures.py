"""The README's pictures: `python tests/browser/pictures.py docs/images`."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from conftest import CHROMIUM, DESKTOP, PHONE, PYTHON, QUIET, REPORTER, enter
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
    enter(page, link)
    page.goto(link.partition("?")[0] + path)
    page.screenshot(path=file)
    context.close()


def mail_pictures(browser: Browser, folder: Path) -> None:
    """The sample week's mail: in a mail program by day, and on a phone by night."""
    command = [PYTHON, "-m", "tests.letters"]
    done = subprocess.run(command, cwd=REPORTER, check=True, capture_output=True, text=True)
    html = json.loads(done.stdout)["normal"]
    for name, width, scheme in (("mail", 600, "light"), ("mail-phone", 360, "dark")):
        context = browser.new_context(
            viewport={"width": width, "height": 400}, color_scheme=scheme, device_scale_factor=1.25
        )
        page = context.new_page()
        page.set_content(html)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        context.close()


def main(folder: Path) -> None:
    """Take all five."""
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
        mail_pictures(browser, folder)
        browser.close()
        serving.terminate()
        serving.wait(timeout=20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
