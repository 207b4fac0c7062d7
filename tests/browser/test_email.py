"""The weekly e-mail in all its variants, in a window as wide as the letter and on a phone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import AXE, PHONE, PYTHON, REPORTER, WCAG
from playwright.sync_api import Browser, Page

VARIANTS = ("normal", "quiet", "first", "small", "degraded")
LETTER = {"width": 600, "height": 800}
DARK_PAPER, LIGHT_PAPER = "rgb(26, 33, 42)", "rgb(255, 255, 255)"
CUT = """() => [...document.querySelectorAll('td, p, h1, h2, a')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.right > document.documentElement.clientWidth + 1 || each.scrollWidth > each.clientWidth
    + 1 && getComputedStyle(each).display !== 'inline';
}).map(each => each.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="session")
def letters() -> dict[str, str]:
    """Every letter's HTML: the variants, and those of hostile weeks."""
    command = [PYTHON, "-m", "tests.letters"]
    told = subprocess.run(command, cwd=REPORTER, check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(told.stdout)
    return found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that may ask nobody for anything."""
    context = chromium.new_context(viewport=LETTER, locale="en-GB")
    asked: list[str] = []
    new = context.new_page()
    new.on("request", lambda request: asked.append(request.url))
    new.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    yield new
    context.close()
    assert asked == []


def looks(page: Page, name: str, html: str) -> Iterator[str]:
    """The letter at both widths and in both schemes; keeps pictures, if they are wanted."""
    page.set_content(html)
    folder = os.environ.get("SCREENSHOTS")
    for size in (LETTER, PHONE):
        for scheme in ("light", "dark"):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            if folder:
                picture = Path(folder) / f"email-{name}-{size['width']}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
            yield f"{name}, {size['width']} px, {scheme}"


def fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    root = "document.documentElement"
    return bool(page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"))


def violations(page: Page) -> list[str]:
    """What axe-core finds, contrast included; a letter has no landmarks, so those are not asked."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async rules => (await axe.run(document, {runOnly: rules})).violations.map(
        v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join("; "))""",
        WCAG.split(),
    )
    return list(found)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_fits_and_can_be_read_by_day_and_by_night(
    page: Page, letters: dict[str, str], name: str
) -> None:
    for where in looks(page, name, letters[name]):
        assert fits(page), where
        assert page.evaluate(CUT) == [], where
        assert violations(page) == [], where
        paper = page.evaluate("getComputedStyle(document.querySelector('.paper')).backgroundColor")
        assert paper == (DARK_PAPER if where.endswith("dark") else LIGHT_PAPER), where


def test_hostile_weeks_fit_too_and_load_nothing(page: Page, letters: dict[str, str]) -> None:
    hostile = {name: html for name, html in letters.items() if name not in VARIANTS}
    assert len(hostile) > 5
    for name, html in hostile.items():
        for where in looks(page, name, html):
            assert fits(page), where
            assert page.evaluate(CUT) == [], where
        assert page.evaluate("document.querySelectorAll('img, script, iframe, form').length") == 0
        links = page.evaluate("[...document.links].map(link => link.href)")
        assert links
        assert all(link.startswith("https://api.example/dashboard") for link in links)


@pytest.mark.parametrize(("width", "most"), [(600, 1_500), (360, 2_200)])
def test_the_sample_weeks_mail_is_short(
    page: Page, letters: dict[str, str], width: int, most: int
) -> None:
    page.set_viewport_size({"width": width, "height": 400})
    page.set_content(letters["normal"])
    assert page.evaluate("document.documentElement.scrollHeight") <= most


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_fits_320_px_and_reads_in_order_without_styles(
    page: Page, letters: dict[str, str], name: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(letters[name])
    assert fits(page)
    plain = re.sub(r' (style|class|bgcolor)="[^"]*"', "", letters[name])
    page.set_content(re.sub(r"<style>.*?</style>", "", plain, flags=re.DOTALL))
    assert fits(page)
    text = page.inner_text("body")
    places = [text.find(title) for title in ("2025", "Open this week", "What to change", "Gaps")]
    assert [place for place in places if place >= 0] == sorted(p for p in places if p >= 0)
