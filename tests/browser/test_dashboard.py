"""Every state and page of the dashboard, as people meet it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import ALL_RULES, DESKTOP, PHONE, WCAG, Visit, enter
from playwright.sync_api import Locator, expect

Open = Callable[..., Visit]

STATES = ("normal", "busy", "empty", "one", "unmeasured", "hostile", "unreachable", "silent")
PAGES = ("/questions", "/questions?outcome=unanswered&text=k", "/reports", "/notes", "/shares",
         "/send?week=2025-W46", "/send?week=2025-W47", "/erase?id=s12", "/session?id=s12",
         "/questions?group=skill:Go&attacks=no", "/questions?text=nothing-like-this",
         "/questions?audience=excluded", "?period=custom&from=2025-11-13&to=2025-11-13",
         "?from=2025-11-20&to=2025-11-01", "?period=custom&from=2024-01-01&to=2024-01-02",
         "/questions?cursor=x", "/erase", "/session?id=none", "/report?week=x", "/shared?key=x",
         "/report?week=2025-W46", "/nowhere", "/details",
         "/details?period=custom&from=2024-01-01&to=2024-01-02")  # fmt: skip
STATES_OF_PAGES = (("empty", "/questions"), ("empty", "/reports"), ("busy", "/questions"),
                   ("hostile", "/questions"), ("busy", "/details"), ("hostile", "/details"),
                   ("hostile", "/session?id=s1"), ("texts", ""),
                   ("unreachable", "/erasure?id=e-1"))  # fmt: skip
Ways = tuple[tuple[Any, Any, Any], ...]
CROSSED: Ways = (
    (DESKTOP, "light", "none"),
    (DESKTOP, "dark", "active"),
    (PHONE, "dark", "none"),
    (PHONE, "light", "active"),
)
"""Sizes, colour schemes, and whether the reader's own colours are forced on the page; all pairs of
them, for pages that have no layout and no colour of their own."""
EACH: Ways = tuple(product((DESKTOP, PHONE), ("light", "dark"), ("none", "active")))
COLOURS = "color-contrast link-in-text-block"
"""The rules of axe that colours can break. The others judge structure and sizes."""
A_PHONE = {"width": 390, "height": 844}
PAPER = {"width": 703, "height": 1_000}
"""What A4 leaves between margins of 12 mm, in CSS pixels."""
TOPS = "[...document.querySelectorAll('.tiles li')].map(tile => tile.offsetTop)"
KEYS = """() => [...document.querySelectorAll('#change .legend .key')].map(
  key => getComputedStyle(key).backgroundColor)"""
SHEET = re.compile(rb"/Type /Page\b")
SHIFT = """() => new Promise(done => { let moved = 0;
  new PerformanceObserver(list => { for (const each of list.getEntries()) moved += each.value; })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(moved), 300); })"""


def look(visit: Visit, name: str) -> None:
    """Keep a picture, if pictures are wanted."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        visit.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits(visit: Visit) -> bool:
    """Whether nothing sticks out sideways."""
    return bool(
        visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def is_sound(visit: Visit, name: str, ways: Ways = CROSSED, rules: str = ALL_RULES) -> None:
    """Accessible and not too wide, on a desk and on a phone, by day and by night, in any colours.

    All rules are asked once a width: the structure is the same in all colours.
    """
    asked: set[int] = set()
    for width, where in looks(visit, name, ways):
        assert visit.violations(COLOURS if width in asked else rules) == [], where
        assert fits(visit), where
        asked.add(width)


def looks(visit: Visit, name: str, ways: Ways) -> Iterator[tuple[int, str]]:
    """The same page in each of these ways: its width, and the way in words."""
    for size, scheme, forced in ways:
        visit.page.set_viewport_size(size)
        visit.page.emulate_media(color_scheme=scheme, forced_colors=forced)
        own = "-forced" if forced == "active" else ""
        look(visit, f"{name}-{size['width']}-{scheme}{own}")
        yield size["width"], f"{name}, {size['width']} px, {scheme}{own}"
    visit.page.emulate_media(forced_colors="none")


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_board_is_accessible_and_fits(visit: Open, state: str) -> None:
    seen = visit(state).enter().go()
    is_sound(seen, f"board-{state}", EACH)
    if state not in {"empty", "hostile"}:
        starts_with_what_matters(seen)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    is_sound(seen, f"open-{state}")
    assert seen.messages == []


def starts_with_what_matters(visit: Visit) -> None:
    """On a phone the first screen has the summary and a number, and the page has an end."""
    visit.page.set_viewport_size(A_PHONE)
    for part in (".lead", ".tiles .value"):
        box = visit.page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= A_PHONE["height"], part
    assert visit.page.evaluate("document.documentElement.scrollHeight") <= 3_500


@pytest.mark.parametrize("path", PAGES)
def test_every_other_page_is_accessible_and_fits(visit: Open, path: str) -> None:
    # The archive shows the mail as it was sent, which has no landmarks: those are for pages.
    rules = WCAG if path.startswith("/report?") else ALL_RULES
    is_sound(visit("normal").enter().go(path), f"page-{PAGES.index(path)}", rules=rules)


@pytest.mark.parametrize(("state", "path"), STATES_OF_PAGES)
def test_every_state_of_the_other_pages_is_accessible_and_fits(
    visit: Open, state: str, path: str
) -> None:
    is_sound(visit(state).enter().go(path), f"{state}{path.partition('?')[0].replace('/', '-')}")


@pytest.mark.parametrize("span", ["week", "last", "4w", "quarter"])
def test_every_period_and_its_menus_open_are_accessible(visit: Open, span: str) -> None:
    seen = visit("normal").enter().go(f"?period={span}&attacks=no")
    expect(seen.page.locator("[aria-current=true]")).to_have_count(1)
    expect(seen.page.get_by_role("link", name="without attempts to trick the bot")).to_be_visible()
    is_sound(seen, f"period-{span}")


@pytest.mark.parametrize("state", ["normal", "busy", "hostile"])
def test_the_page_is_light(visit: Open, state: str) -> None:
    seen = visit(state).enter()
    seen.page.wait_for_load_state("networkidle")
    seen.go()
    seen.page.wait_for_load_state("networkidle")
    sizes = [len(each.body()) for each in seen.responses]
    assert len(seen.requests) <= 3
    assert sum(sizes) <= 60_000
    assert seen.page.evaluate(SHIFT) == 0
    seen.page.evaluate("document.querySelector('main').style.paddingTop = '20rem'")
    assert seen.page.evaluate(SHIFT) > 0, "a shift would not have been seen"


def test_it_works_without_javascript_and_has_none(visit: Open) -> None:
    seen = visit("normal", java_script_enabled=False).enter().go()
    assert "<script" not in seen.page.content()
    menu = seen.page.locator(".menu").nth(1)
    menu.locator("summary").click()
    menu.get_by_role("button", name="Done").click()
    expect(seen.page.get_by_role("status")).to_have_text("The decision is saved.")


def test_what_was_saved_is_said_within_the_window(visit: Open) -> None:
    seen = visit("alone", size=PHONE).enter().go("/details?period=last")
    menu = seen.page.locator(".menu").last
    menu.locator("summary").click()
    menu.get_by_role("button", name="Planned").click()
    expect(seen.page.get_by_role("status")).to_have_text("The decision is saved.")
    expect(seen.page.get_by_role("status")).to_be_in_viewport(ratio=1)
    seen.go().page.get_by_text("Note a change of your CV").click()
    seen.page.get_by_label("What changed").fill("a new page")
    seen.page.get_by_role("button", name="Save the note").click()
    expect(seen.page.get_by_role("status")).to_have_text("The note is saved.")
    expect(seen.page.get_by_role("status")).to_be_in_viewport(ratio=1)


def test_the_legend_keeps_its_colours_where_colours_are_forced(visit: Open) -> None:
    seen = visit("normal").enter().go()
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme, forced_colors="active")
        colours = seen.page.evaluate(KEYS)
        assert len(set(colours)) == len(colours) == 4, scheme


def test_the_policy_lets_no_script_run(visit: Open, chromium: Any) -> None:
    link = visit("normal").link
    context = chromium.new_context()
    page = context.new_page()
    enter(page, link)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in each for each in refused)
    context.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_an_open_menu_covers_nothing_and_closes_for_the_next(visit: Open, size: Any) -> None:
    seen = visit("normal", size=size).enter().go("?period=last")
    for place in range(3):
        seen.page.locator(".menu summary").nth(place).click(timeout=3_000)
        expect(seen.page.locator(".menu[open]")).to_have_count(1)
        assert seen.violations() == []


def reach(visit: Visit, wanted: Locator) -> None:
    """Press Tab until it has the focus, as somebody without a mouse does."""
    for _ in range(150):
        visit.page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {wanted}")


@pytest.fixture
def without_mouse(visit: Open) -> Callable[[str], Visit]:
    """A window with the keyboard alone, and without JavaScript."""
    return lambda state: visit(state, java_script_enabled=False).enter()


def test_the_keyboard_alone_decides_about_a_gap(without_mouse: Callable[[str], Visit]) -> None:
    seen = without_mouse("alone").go()
    reach(seen, seen.page.locator(".menu summary").first)
    seen.page.keyboard.press("Enter")
    reach(seen, seen.page.locator(".menu").first.get_by_role("button", name="Done"))
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("status")).to_have_text("The decision is saved.")
    expect(seen.page.locator(".menu summary").first).to_contain_text("Done")


def test_the_keyboard_alone_adds_a_note(without_mouse: Callable[[str], Visit]) -> None:
    seen = without_mouse("alone").go()
    reach(seen, seen.page.get_by_text("Note a change of your CV"))
    seen.page.keyboard.press("Enter")
    reach(seen, seen.page.get_by_label("What changed"))
    seen.page.keyboard.type("learnt to type")
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("status")).to_have_text("The note is saved.")
    expect(seen.page.locator(".pins li").last).to_contain_text("learnt to type")


def test_the_keyboard_alone_filters_exports_and_opens_a_session(
    without_mouse: Callable[[str], Visit],
) -> None:
    seen = without_mouse("alone").go("/questions?period=last")
    reach(seen, seen.page.get_by_label("Outcome"))
    seen.page.keyboard.type("Unanswered")
    reach(seen, seen.page.get_by_role("textbox", name="Skill"))
    seen.page.keyboard.type("GraphQL")
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator(".questions li")).to_have_count(2)
    reach(seen, seen.page.get_by_role("link", name="CSV of these questions"))
    with seen.page.expect_download() as loading:
        seen.page.keyboard.press("Enter")
    assert Path(loading.value.path()).read_text(encoding="utf-8-sig").count("GraphQL") >= 2
    reach(seen, seen.page.get_by_role("link", name="session s11").first)
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator(".turns .q")).not_to_have_count(0)


def test_the_keyboard_alone_erases_a_session(without_mouse: Callable[[str], Visit]) -> None:
    seen = without_mouse("alone").go("/session?id=s13")
    reach(seen, seen.page.get_by_role("link", name="Erase this session"))
    seen.page.keyboard.press("Enter")
    reach(seen, seen.page.get_by_label("Erase this session for good"))
    seen.page.keyboard.press("Space")
    reach(seen, seen.page.get_by_role("button", name="Erase"))
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("heading", name="Receipt of an erasure")).to_be_visible()


def test_the_keyboard_alone_sends_shares_and_signs_out(
    without_mouse: Callable[[str], Visit],
) -> None:
    seen = without_mouse("alone").go("/reports")
    reach(seen, seen.page.get_by_role("link", name="Send what there is so far"))
    seen.page.keyboard.press("Enter")
    reach(seen, seen.page.get_by_role("button", name="Send"))
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("status")).to_be_visible()
    seen.go("/shares")
    reach(seen, seen.page.get_by_role("button", name="Make a link"))
    seen.page.keyboard.press("Enter")
    reach(seen, seen.page.get_by_role("button", name="Revoke").first)
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("status")).to_contain_text("revoked")
    reach(seen, seen.page.get_by_role("button", name="Sign out"))
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_a_decision_about_a_gap_needs_only_the_keyboard(visit: Open) -> None:
    seen = visit("busy").enter().go("?period=last")
    keyboard = seen.page.keyboard
    keyboard.press("Tab")
    expect(seen.page.get_by_text("Skip to the content")).to_be_focused()
    summary = seen.page.locator(".menu summary").first
    for _ in range(60):
        keyboard.press("Tab")
        if summary.evaluate("each => each === document.activeElement"):
            break
    expect(summary).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(seen.page.get_by_role("status")).to_have_text("The decision is saved.")
    assert "period=last" in seen.page.url


def test_whatever_has_the_focus_shows_it(visit: Open) -> None:
    seen = visit("normal").enter().go()
    seen.page.keyboard.press("Tab")
    for _ in range(12):
        seen.page.keyboard.press("Tab")
        outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"


def test_a_note_gets_a_pin_and_can_be_taken_back(visit: Open) -> None:
    seen = visit("unmeasured").enter().go()
    seen.page.get_by_text("Note a change of your CV").click()
    seen.page.get_by_label("What changed").fill("<b>wrote</b> about Go")
    seen.page.get_by_label("Skill, if it is about one").fill("Go")
    seen.page.get_by_role("button", name="Save the note").click()
    expect(seen.page.locator(".pins li")).to_contain_text("<b>wrote</b> about Go (Go)")
    expect(seen.page.locator("path.pin")).to_have_count(1)
    seen.go("/notes")
    seen.page.get_by_role("button", name="Remove").click()
    expect(seen.page.get_by_text("No note yet.")).to_be_visible()


def test_filters_narrow_the_list_stay_visible_and_can_be_removed(visit: Open) -> None:
    seen = visit("normal").enter().go("/questions")
    seen.page.get_by_label("Outcome").select_option("Unanswered")
    seen.page.get_by_role("textbox", name="Skill").fill("GraphQL")
    seen.page.get_by_role("button", name="Show").click()
    expect(seen.page.locator(".questions li")).to_have_count(3)
    expect(seen.page.locator(".chip")).to_have_count(2)
    seen.page.get_by_role("link", name="skill: GraphQL").click()
    expect(seen.page.locator(".chip")).to_have_count(1)
    with seen.page.expect_download() as loading:
        seen.page.get_by_role("link", name="CSV of these questions").click()
    assert loading.value.suggested_filename.startswith("questions-2025-")


def test_a_long_list_is_turned_page_by_page(visit: Open) -> None:
    seen = visit("busy").enter().go("/questions?period=last")
    first = seen.page.locator(".questions li").all_inner_texts()
    seen.page.get_by_role("link", name="Older questions").click()
    second = seen.page.locator(".questions li").all_inner_texts()
    assert len(first) == len(second) == 25
    assert not set(first) & set(second)


def test_a_number_leads_to_its_questions_and_on_to_the_conversation(visit: Open) -> None:
    seen = visit("normal").enter().go()
    seen.page.locator(".tiles .num").nth(3).click()
    expect(seen.page.locator(".questions li")).to_have_count(16)
    seen.page.get_by_role("link", name="session s12").first.click()
    expect(seen.page.locator(".turns .q")).not_to_have_count(0)


def test_a_session_is_erased_after_a_confirmation_and_gives_a_receipt(visit: Open) -> None:
    seen = visit("silent").enter().go("/session?id=s13")
    seen.page.get_by_role("link", name="Erase this session").click()
    seen.page.get_by_role("button", name="Erase").click()
    assert "/erase?" in seen.page.url, "the box must be ticked first"
    seen.page.get_by_label("Erase this session for good").check()
    seen.page.get_by_role("button", name="Erase").click()
    expect(seen.page.get_by_role("heading", name="Receipt of an erasure")).to_be_visible()
    is_sound(seen, "receipt")
    seen.go("/session?id=s13")
    expect(seen.page.get_by_role("heading", name="This session is not here")).to_be_visible()


def test_a_silent_processor_is_told_and_nothing_is_erased(visit: Open) -> None:
    seen = visit("unreachable").enter().go("/erase?id=s12")
    seen.page.get_by_label("Erase this session for good").check()
    seen.page.get_by_role("button", name="Erase").click()
    expect(seen.page.get_by_role("heading", name="The Processor did not answer")).to_be_visible()
    is_sound(seen, "processor-down")
    seen.go("/session?id=s12")
    expect(seen.page.locator(".turns .q")).not_to_have_count(0)


def test_a_share_link_works_without_sign_in_until_it_is_revoked(visit: Open, chromium: Any) -> None:
    seen = visit("busy").enter().go("/shares")
    seen.page.get_by_label("For whom").fill("my mentor")
    seen.page.get_by_role("button", name="Make a link").click()
    shared = seen.page.get_by_role("link", name="Open, or copy").get_attribute("href") or ""
    others = visit("busy", size=PHONE)
    others.page.goto(seen.root.removesuffix("/dashboard") + "/" + shared.removeprefix("../"))
    expect(others.page.get_by_role("heading", name="What recruiters ask")).to_be_visible()
    is_sound(others, "shared")
    seen.page.get_by_role("button", name="Revoke").click()
    is_sound(seen, "revoked")
    others.page.reload()
    expect(others.page.get_by_role("heading", name="This link leads nowhere")).to_be_visible()


def test_without_a_sign_in_there_is_only_the_way_to_one(visit: Open) -> None:
    seen = visit("normal").go()
    expect(seen.page.get_by_role("heading", name="Please sign in again")).to_be_visible()
    is_sound(seen, "expired")


def test_signing_out_ends_the_session(visit: Open) -> None:
    seen = visit("one").enter().go("/reports")
    seen.page.get_by_role("button", name="Sign out").click()
    expect(seen.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    is_sound(seen, "signed-out")
    seen.go()
    expect(seen.page.get_by_role("heading", name="Please sign in again")).to_be_visible()


@pytest.mark.parametrize("path", ["", "/questions", "/notes"])
def test_hostile_text_is_shown_as_text(visit: Open, path: str) -> None:
    seen = visit("hostile", size=PHONE).enter().go(path)
    for tag in ("script", "img", "iframe", "b b"):
        assert seen.page.locator(f"main {tag}").count() == 0
    assert seen.page.evaluate(
        "[...document.querySelectorAll('*')].every(each => "
        "[...each.attributes].every(a => !a.name.startsWith('on')))"
    )
    assert fits(seen)


@pytest.mark.parametrize(
    ("path", "kept", "sheets"),
    [
        ("?period=last", (".tiles", ".gaps", ".days"), 2),
        ("/questions?period=last", (".questions",), 2),
        ("/details?period=last", (".gaps", ".topics", ".numbers", ".hours"), 4),
    ],
)
def test_printing_keeps_the_numbers_and_drops_the_controls(
    visit: Open, path: str, kept: tuple[str, ...], sheets: int
) -> None:
    seen = visit("normal", size=PAPER, scheme="dark").enter().go(path)
    seen.page.emulate_media(media="print")
    for part in kept:
        expect(seen.page.locator(part).first).to_be_visible()
    for part in (".top nav", "button", ".go", ".periods", "input:not([type=hidden])"):
        for element in seen.page.locator(part).all():
            expect(element).to_be_hidden()
    assert len(set(seen.page.evaluate(TOPS))) <= 1, "the tiles are in one row, as on a desk"
    assert seen.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    pdf = seen.page.pdf(
        format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "12mm")
    )
    assert len(SHEET.findall(pdf)) == sheets


def test_larger_text_and_wider_spacing_lose_nothing(visit: Open) -> None:
    seen = visit("normal", size={"width": 640, "height": 800}).enter().go()
    seen.page.add_style_tag(
        content="html{font-size:200%} *{line-height:1.5!important;"
        "letter-spacing:.12em!important;word-spacing:.16em!important}"
    )
    assert fits(seen)
