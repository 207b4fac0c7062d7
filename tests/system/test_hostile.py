"""A hostile corpus through the whole system: in by HTTP, out as pages, CSV and e-mail."""

from __future__ import annotations

import csv
import html
import io
import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.hostile import CORPUS, HIDDEN, LETTERS, LONGEST, MARKUP, TOO_LONG, readable
from tests.owner import Form, signed_in
from tests.system.conftest import answer, eventually, question
from tools.demo.system import dashboard_link, is_of_week
from tools.paths import ROOT, venv_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.owner import Owner
    from tools.demo.system import DeployedSystem

ASKED_AT = 1_757_498_400_000  # 2025-09-10 10:00 UTC
DAY, WEEK = "2025-09-10", "2025-W37"
PERIOD = f"period=custom&from={DAY}&to={DAY}"
SESSION = "s-hostile"
BROWSER = ROOT / "tests" / "browser"
OUTCOMES = ("none", "partial")
PAIRS_AT_ONCE = 6  # a body has at most 64 KiB
PAGES = (
    f"?{PERIOD}",
    f"/questions?{PERIOD}",
    f"/questions?{PERIOD}&outcome=unanswered&text=%3Cscript%3E&skill=%22%3E%3Csvg+onload%3Dhostile%3D1%3E",
    f"/session?id={SESSION}",
    f"/question?at={ASKED_AT}&id=hostile-0",
    f"/question?at={ASKED_AT + (len(CORPUS) - 1) * 60_000}&id=hostile-{len(CORPUS) - 1}",
    f"/erase?id={SESSION}",
    "/notes",
    "/shares",
    "/reports",
    f"/report?week={WEEK}",
)


def asked(number: int, text: str) -> list[dict[str, object]]:
    """A question in hostile words, and an answer that quotes them."""
    at = ASKED_AT + number * 60_000
    said = {
        "matchType": OUTCOMES[number % 2],
        "matchScore": 30 + number % 2 * 30,
        "reasoning": text,
        "metadata": {"sourcesUsed": [text[:200]]},
    }
    where = {"userAgent": "Mozilla/5.0 Firefox/140.0", "referer": "https://cv.example/"}
    skill = "" if len(text) > 3_900 or number % 3 else " Kubernetes"
    query = {"query": text + skill, "metadata": where}
    request_id = f"hostile-{number}"
    return [question(request_id, at, SESSION) | query, answer(request_id, at) | said]


@pytest.fixture(scope="module")
def sent() -> list[bool]:
    """Whether the corpus was sent already."""
    return []


@pytest.fixture
def owner(system: DeployedSystem, sent: list[bool]) -> Iterator[Owner]:
    """Signed in by the mail about the hostile week."""
    if not sent:
        pairs = [asked(number, text) for number, text in enumerate(CORPUS)]
        for at in range(0, len(pairs), PAIRS_AT_ONCE):
            events = [event for pair in pairs[at : at + PAIRS_AT_ONCE] for event in pair]
            assert system.send_to_api(events) == len(events)
        eventually(lambda: system.projected(DAY, DAY) == len(CORPUS), "the corpus projected")
        system.build_report(WEEK, send=True)
        sent.append(True)
    with signed_in(dashboard_link(system.mails())) as owner:
        for label in ("<b onclick=hostile=1>mentor", "=1+1"):
            note(owner, label)
        yield owner


def note(owner: Owner, text: str) -> None:
    """Keep a note in the owner's own hostile words."""
    page = owner.look("notes")
    form = Form.on(page.text, "dashboard/note")
    fields = {"day": DAY, "text": text, "skill": text}
    owner.send(page.url, form.action, form.fields | fields).raise_for_status()


def test_a_body_of_seventy_thousand_characters_is_refused_and_says_why(
    system: DeployedSystem,
) -> None:
    [query, _] = asked(99, "x")
    refused = system.processor.post("/v1/events", json=query | {"query": TOO_LONG * 7})
    assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert "larger than 64 KiB" in json.dumps(refused.json())
    assert TOO_LONG not in refused.text


def test_every_page_shows_text_as_text_and_keeps_its_layout(
    system: DeployedSystem, owner: Owner
) -> None:
    looked_at = in_chromium(dashboard_link(system.mails()), PAGES)
    root = str(owner.board).removesuffix("/dashboard")
    for path, page in zip(PAGES, looked_at, strict=True):
        assert page["status"] == httpx.codes.OK, path
        assert page["address"].startswith(f"{root}/dashboard"), path
        assert page["dialogs"] == [], path
        assert [each for each in page["requests"] if not each.startswith(f"{root}/dashboard")] == []
        for size in ("phone", "desk"):
            seen = page[size]
            assert not seen["ran"], path
            assert (seen["handlers"], seen["foreign"]) == (0, 0), path
            assert not seen["wide"], (path, size)
            assert not HIDDEN & set(seen["text"]), path
    listed = " ".join(looked_at[1]["desk"]["text"].split())
    spoken = " ".join(looked_at[3]["desk"]["text"].split())
    for text in MARKUP:
        assert readable(text) in listed
        assert readable(text) in spoken
    assert LONGEST[:900] in looked_at[3]["desk"]["text"]
    assert LONGEST in looked_at[5]["desk"]["text"]


def in_chromium(link: str, paths: tuple[str, ...]) -> list[dict[str, Any]]:
    """What Chromium saw of the pages: `tests/browser/hostile.py`, which has its own environment."""
    command = [str(venv_python(BROWSER)), str(BROWSER / "hostile.py"), link]
    done = subprocess.run(
        command, input=json.dumps(paths), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    seen: list[dict[str, Any]] = json.loads(done.stdout)
    return seen


def test_no_cell_of_the_csv_is_a_formula(owner: Owner) -> None:
    answered = owner.browser.get(f"{owner.board}/questions.csv?{PERIOD}").raise_for_status()
    rows = list(csv.reader(io.StringIO(answered.text)))
    assert len(rows) == len(CORPUS) + 1
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝")), cell[:40]
    weekly = owner.browser.get(f"{owner.board}/report?week={WEEK}&form=csv").raise_for_status()
    for cell in (cell for row in csv.reader(io.StringIO(weekly.text)) for cell in row):
        assert not cell.startswith(("=", "@", "+")), cell[:40]


def test_the_mail_carries_the_words_and_no_markup_of_theirs(
    system: DeployedSystem, owner: Owner
) -> None:
    mail = next(each for each in reversed(system.mails()) if is_of_week(each, WEEK))
    for text in MARKUP:
        assert "<" not in text or text not in mail["BodyHtml"]
    assert not HIDDEN & set(mail["BodyHtml"] + mail["BodyText"] + mail["Subject"])
    assert "window.hostile" not in mail["Subject"]
    assert any(html.escape(readable(text)[:60], quote=False) in mail["BodyHtml"] for text in MARKUP)
    assert any(readable(text)[:12] in mail["BodyText"] for text in (*MARKUP, *LETTERS))
