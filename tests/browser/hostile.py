"""What the pages of a dashboard do in Chromium: `python tests/browser/hostile.py <link>`.

Reads a JSON list of paths (below the board) on stdin; signs in by the link, opens each page on a
phone and on a desk, and writes a JSON list of what it saw. The content security policy is switched
off: what is looked for must not happen even without it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from conftest import CHROMIUM, DESKTOP, PHONE, QUIET, enter
from playwright.sync_api import Page, Request, sync_playwright

LOOK = """() => ({
  ran: window.hostile !== undefined,
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  handlers: [...document.querySelectorAll('*')].filter(
    each => [...each.attributes].some(a => /^on/i.test(a.name))).length,
  foreign: document.querySelectorAll(
    'script, iframe, img, object, embed, base, meta[http-equiv], a[href^="javascript:"]').length,
  stylesheets: document.styleSheets.length,
  text: document.body.innerText,
})"""


def looked_at(page: Page, address: str) -> dict[str, Any]:
    """What one page is and does, on both sizes."""
    dialogs: list[str] = []
    requests: list[str] = []

    def dismissed(dialog: Any) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    def requested(request: Request) -> None:
        requests.append(request.url)

    page.on("dialog", dismissed)
    page.on("request", requested)
    answer = page.goto(address)
    assert answer is not None
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    sizes = []
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # conftest's plain dict
        sizes.append(page.evaluate(LOOK))
    page.remove_listener("dialog", dismissed)
    page.remove_listener("request", requested)
    return {
        "status": answer.status,
        "dialogs": dialogs,
        "requests": requests,
        "address": page.url,
        "phone": sizes[0],
        "desk": sizes[1],
    }


def main(link: str, paths: list[str]) -> list[dict[str, Any]]:
    """Sign in and look at each page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_context(bypass_csp=True, locale="en-GB").new_page()
        enter(page, link)
        board = page.url.partition("?")[0]
        seen = [looked_at(page, board + path) for path in paths]
        browser.close()
    return seen


if __name__ == "__main__":
    json.dump(main(sys.argv[1], json.load(sys.stdin)), sys.stdout)
