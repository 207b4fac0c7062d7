"""The weekly mail: golden variants, short, safe with hostile data, never untrue."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cv_reporter.adapters.ses import SesMailer
from cv_reporter.application.ports import Mail
from cv_reporter.application.quotes import scrubbed
from cv_reporter.application.wire.documents import read_report, report_json
from cv_reporter.domain.fact import Outcome, Skill, Word
from cv_reporter.domain.freshness import Freshness, Pulse
from cv_reporter.domain.report import (
    Comparison,
    Context,
    Coverage,
    Delivery,
    GapState,
    GapStatus,
)
from cv_reporter.domain.words import shown
from cv_reporter.presentation import wording
from cv_reporter.presentation.mail import letter, render_html, render_text, subject
from tests.sample import MONDAY_NOON, fact
from tests.weeks import (
    COMPARED,
    EFFECTS,
    FACTS,
    HOSTILE,
    LAST_ASKED,
    hostile_report,
    report_of,
    variants,
)

GOLDEN = Path(__file__).parent.parent / "golden"
LINK = "https://api.example/dashboard?token=link.1763942400.c2lnbmF0dXJl"
UNSUBSCRIBE = "https://api.example/dashboard/unsubscribe?token=stop.1.c2ln"
MAX_BYTES = 25_000


@pytest.mark.parametrize("name", ["normal", "quiet", "first", "small", "degraded"])
@pytest.mark.parametrize("form", ["html", "txt"])
def test_a_variant_renders_to_its_golden_file(name: str, form: str) -> None:
    rendered = {"html": render_html, "txt": render_text}[form](variants()[name], LINK, UNSUBSCRIBE)
    golden = GOLDEN / f"{name}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")


def test_subjects_hold_dates_and_counts_only() -> None:
    subjects = {name: subject(report) for name, report in variants().items()}
    start = "CV questions, 10–16 Nov 2025: "
    assert subjects["normal"] == start + "28 asked, 12 unanswered"
    assert subjects["quiet"] == start + "none"
    assert subjects["small"] == start + "3 asked, 1 unanswered"
    assert not any("Kubernetes" in text for text in subjects.values())


def test_the_sample_week_has_at_most_160_words_before_the_button() -> None:
    for report in variants().values():
        before, _, _ = " ".join(Page(render_html(report, LINK)).pieces).partition("Open this week")
        assert 0 < len(before.split()) <= 160


@pytest.mark.parametrize("filling", ["long words ", '"', "&", "<", "界", "😀"])
def test_five_thousand_hostile_questions_stay_below_25_kb(filling: str) -> None:
    many = [
        replace(
            one,
            request_id=f"{one.request_id}-{n}",
            session_id=f"{one.session_id}-{n % 40}",
            question=f"{n}{filling * 200}",
            skills=(Skill(f"{n % 20}{filling * 80}", "other"),),
            words=(Word(f"{n % 20}{filling * 80}", f"{n % 61}{filling * 80}"),),
            intents=(f"{n % 50}{filling * 80}",),
            sources=(f"{n % 90}{filling * 80}",),
        )
        for n in range(180)
        for one in FACTS[12:]
    ]
    context = Context(
        first_day=date(2025, 11, 3),
        comparison=Comparison(8, 2, 1_000, filling * 200),
        delivery=Delivery(9, 9),
        coverage=Coverage(120, (filling * 80,) * 100),
        effects=EFFECTS * 20,
        dead_letters=1_000,
        statuses={
            skill.name: GapStatus(skill.name, GapState.DONE, since=0)
            for one in many
            for skill in one.skills
        },
    )
    report = report_of(many, context=context)
    assert report.totals.questions == 5_040
    assert len(render_html(report, LINK, UNSUBSCRIBE).encode()) <= MAX_BYTES


# C0 and C1 controls, soft hyphen, zero-width, bidi marks, embeddings, overrides and isolates, line
# and paragraph separators, invisible operators, byte order mark, tags.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "span", "p", "h1",
    "h2", "b", "a",
}  # fmt: skip


class Page(HTMLParser):
    """The tags, attributes and pieces of text of a page, as a browser parses them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.pieces: list[str] = []
        self._within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.styles += [value or "" for name, value in attrs if name == "style"]
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        piece = " ".join(data.split())
        if self._within == "style":
            self.styles.append(piece)
        elif piece and self._within != "title":
            self.pieces.append(piece)

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name in {"href", "src"}]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_questions_and_reasons_are_shown_as_harmless_text(hostile: str) -> None:
    report = hostile_report(hostile)
    html, text = render_html(report, LINK), render_text(report, LINK)
    page = Page(html)
    assert page.tags <= ALLOWED
    assert page.links
    assert [link for link in page.links if not link.startswith(LINK + "&")] == []
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [style for style in page.styles if re.search(r"url|@import|expression", style)]
    for rendered in (html, text, subject(report)):
        assert not HIDDEN.search(rendered)
        assert not re.search(r"(?<![=&])W{161}", rendered)
    assert "\n" not in subject(report)
    assert "\r" not in text
    assert len(html.encode()) <= MAX_BYTES


def test_hidden_characters_of_a_text_are_dropped_and_visible_ones_stay() -> None:
    hidden = "".join(chr(code) for code in range(0x2_0000) if HIDDEN.match(chr(code)))
    assert len(hidden) > 60
    assert shown(f"a{hidden}b", 80).replace(" ", "") == "ab"
    assert shown("naïve – “日本語” 👍", 80) == "naïve – “日本語” 👍"


@pytest.mark.parametrize("name", list(variants()))
def test_the_text_part_has_every_piece_and_link_of_the_html(name: str) -> None:
    report = variants()[name]
    page = Page(render_html(report, LINK, UNSUBSCRIBE))
    text = " ".join(render_text(report, LINK, UNSUBSCRIBE).split())
    wanted = {word for piece in page.pieces for word in re.findall(r"[\w%]+", piece.casefold())}
    present = set(re.findall(r"[\w%]+", text.casefold()))
    # columns and links of the HTML that the text part writes in other words
    assert wanted - present <= {"before", "see", "what", "they", "asked", "open", "no"}
    assert [link for link in page.links if link not in text] == []


def test_links_open_the_week_and_the_questions_that_are_shown() -> None:
    report = variants()["normal"]
    model = letter(report, LINK)
    week = "from=2025-11-10&to=2025-11-16"
    assert model.button == f"{LINK}&{week}"
    assert model.numbers[3].url == f"{LINK}&page=questions&{week}&outcome=unanswered"
    assert model.actions[0].url.startswith(f"{LINK}&page=question&at=")
    assert model.gaps[0].url == f"{LINK}&page=questions&{week}&skill=Kubernetes"
    assert Page(render_html(report)).links == []


@pytest.mark.parametrize("name", ["normal", "first", "small", "degraded"])
def test_each_action_quotes_a_question_and_links_to_it(name: str) -> None:
    rows = letter(variants()[name], LINK).actions
    assert 0 < len(rows) <= 3
    assert all(row.quote and "&page=question&at=" in row.url for row in rows)


def test_an_erased_question_leaves_its_action_and_the_list_is_linked_instead() -> None:
    body = report_json(variants()["normal"])
    kept = read_report(body)
    asked = {sample.request_id for action in kept.actions for sample in action.samples}
    rows = letter(read_report(scrubbed(body, asked)), LINK).actions
    assert [row.quote for row in rows][2] == ""
    assert rows[2].url.endswith("&skill=Docker")


def test_one_session_that_asks_fifty_times_does_not_lead_actions_or_gaps() -> None:
    def asked(n: int, skill: str, session: str) -> None:
        facts.append(
            fact(
                n, session_id=session, outcome=Outcome.NONE, score=0, sources=(),
                skills=(Skill(skill, "other"),), words=(), question=f"Do you know {skill}? {n}",
            )
        )  # fmt: skip

    facts: list[object] = []
    for n in range(50):
        asked(n, "COBOL", "one")
    for n in range(2):
        asked(100 + n, "Rust", f"r{n}")
    report = report_of(facts)  # type: ignore[arg-type]
    assert report.findings.gaps[0].skill == "COBOL"
    assert report.actions[0].skill == "Rust"
    assert letter(report, None).gaps[0].title == "Rust"
    assert "The most common gap is Rust." in letter(report, None).summary


def test_actions_differ_and_name_their_skill() -> None:
    for report in variants().values():
        assert len(report.actions) <= 3
        patterns = [action.text.replace(action.skill, "") for action in report.actions]
        assert len(set(patterns)) == len(patterns)
        assert all(action.skill in action.text for action in report.actions)


def test_declined_questions_and_attacks_stand_apart_from_what_could_not_be_answered() -> None:
    model = letter(variants()["normal"], None)
    assert model.apart == (
        "Counted above, but no task: 3 declined as you set it (right to work, availability, "
        "compensation); 1 attempt to trick the bot."
    )
    titles = {row.title for row in model.topics}
    assert not titles & {"Right to work", "Availability", "Compensation", "Prompt attack"}


def test_small_weeks_list_their_questions_without_percentages() -> None:
    small = variants()["small"]
    assert "%" not in render_text(small)
    assert len(letter(small, None).questions) == 3


def test_times_are_the_owners_even_at_midnight() -> None:
    late = [fact(1, asked_at=MONDAY_NOON + 11 * 3_600_000 + 59 * 60_000)]
    assert "Mon 10 Nov, 23:59" in render_text(report_of(late))


def test_a_report_stored_before_freshness_was_known_can_still_be_rendered() -> None:
    body = report_json(variants()["quiet"])
    stored = re.sub(r',"freshness":\{[^}]*\}', "", body)
    assert stored != body
    assert "Nobody asked" in render_text(read_report(stored))


# Every combination of what arrived, what was compared, and what waits in the dead-letter queue.
JUDGED = {"last_asked": LAST_ASKED, "days": 12}
ARRIVED = {
    "no data ever": (None, Freshness(Pulse.NEVER)),
    "usual traffic": ("asked", Freshness(Pulse.FRESH, pause=1, usual=3, **JUDGED)),
    "usual pause": ("", Freshness(Pulse.FRESH, pause=9, usual=10, **JUDGED)),
    "stopped": ("", Freshness(Pulse.SILENT, pause=9, usual=3, **JUDGED)),
    "stopped within the week": ("asked", Freshness(Pulse.LATE, pause=5, usual=3, **JUDGED)),
    "stopped long ago": ("", Freshness(Pulse.NEVER)),
    "too few to judge": ("", Freshness(Pulse.SILENT, LAST_ASKED, pause=9, usual=2, days=1)),
}
COMPARISONS = {
    "compared": COMPARED,
    "partly compared": Comparison(8, 2, 0, "the time was up"),
    "unreachable": Comparison(8, 0, 0, "the Processor did not answer"),
    "not compared": Comparison(),
}


WARNINGS = {
    "compared": (),
    "partly compared": (
        "Only 2 of 8 days were checked against the Processor (the time was up). "
        "Questions may be missing.",
    ),
    "unreachable": (
        "Not checked against the Processor (the Processor did not answer). "
        "Questions may be missing.",
    ),
    "not compared": ("These numbers were not checked against the Processor.",),
}
ASKED = (
    "28 questions in 10 sessions: 8 answered in full, 12 not at all. The most common gap is "
    "Kubernetes."
)
UNUSUAL = "That is unusual here: pauses took 3 days at most. Check that the chatbot sends."
CAME = "The last one came on Fri 7 Nov."
SUMMARIES = {
    "usual traffic": ASKED,
    "usual pause": f"NOBODY {CAME} That is not unusual here: pauses took up to 10 days before.",
    "stopped": f"NOBODY {CAME} {UNUSUAL}",
    "stopped within the week": f"{ASKED} None came after Fri 7 Nov. {UNUSUAL}",
    "stopped long ago": "NOBODY Nor did one in the nine weeks before: check that the chatbot still "
    "sends.",
    "too few to judge": f"NOBODY {CAME} There were too few questions before to say whether that "
    "is unusual.",
    "no data ever": "No question has ever arrived. If the chatbot is live, check that it sends its "
    "events.",
}


@pytest.mark.parametrize(
    ("arrived", "compared", "dead"), list(product(ARRIVED, COMPARISONS, (None, 0, 1, 37)))
)
def test_no_sentence_claims_what_was_not_checked(
    arrived: str, compared: str, dead: int | None
) -> None:
    """Every sentence that is no number and no list, beside what it must be."""
    traffic, fresh = ARRIVED[arrived]
    context = Context(
        first_day=None if traffic is None else date(2025, 11, 3),
        comparison=COMPARISONS[compared],
        dead_letters=dead,
        freshness=fresh,
    )
    report = report_of(FACTS if traffic else [], context=context)
    sure = compared == "compared" and not dead
    nobody = "Nobody asked your CV anything" if sure else "No question arrived"
    waiting = {
        1: "1 event could not be processed and waits in the dead-letter queue: questions may be "
        "missing, or not yet erased.",
        37: "37 events could not be processed and wait in the dead-letter queue: questions may be "
        "missing, or not yet erased.",
    }
    model = letter(report, LINK)
    assert model.warnings == WARNINGS[compared]
    assert model.summary == SUMMARIES[arrived].replace("NOBODY", f"{nobody} this week.")
    assert model.quality == ((waiting[dead],) if dead else ())
    if not traffic:
        received = "none" if compared == "compared" else "none received"
        assert model.subject.endswith(f": {received}")
        assert (model.numbers, model.actions, model.gaps, model.topics) == ((), (), (), ())
        assert model.apart == ""
    text, every = render_text(report, LINK), " ".join(Page(render_html(report, LINK)).pieces)
    for sentence in (*model.warnings, model.summary, *model.quality):
        assert sentence in text
        assert sentence in every


@pytest.mark.parametrize("answered", ["all", "none", "some", "one", "one missed"])
def test_the_summary_counts_what_was_answered(answered: str) -> None:
    outcomes = {
        "all": [Outcome.FULL] * 6,
        "none": [Outcome.NONE] * 6,
        "some": [Outcome.FULL, Outcome.NONE] * 3,
        "one": [Outcome.PARTIAL],
        "one missed": [Outcome.NO_RESPONSE],
    }[answered]
    facts = [fact(n, outcome=outcome, skills=()) for n, outcome in enumerate(outcomes)]
    start = {
        "all": "6 questions in 1 session: all got an answer.",
        "none": "6 questions in 1 session: none got an answer.",
        "some": "6 questions in 1 session: 3 answered in full, 3 not at all.",
        "one": "1 question in 1 session: it got an answer.",
        "one missed": "1 question in 1 session: it got no answer.",
    }[answered]
    assert wording.week_summary(report_of(facts)).startswith(start)


@pytest.mark.parametrize("name", list(variants()))
def test_a_mail_keeps_its_widths_and_its_button_in_outlook(name: str) -> None:
    """Word's engine knows neither `max-width` nor the padding of a link."""
    html = render_html(variants()[name], LINK, UNSUBSCRIBE)
    assert '<!--[if mso]><table role="presentation" width="600"' in html
    assert "<!--[if mso]></td></tr></table><![endif]-->" in html
    tables = re.findall(r"<table ([^>]*)>", html)
    assert all('cellpadding="0" cellspacing="0" border="0"' in table for table in tables)
    [button] = re.findall(r'<td class="button" bgcolor="#1a56b0" style="([^"]*)"><a href', html)
    assert "padding:12px 22px" in button
    assert not re.search(r'<a [^>]*style="[^"]*padding', html)
    unbreakable = re.findall(r"<td [^>]*white-space:nowrap[^>]*>", html)
    assert [cell for cell in unbreakable if 'width="' not in cell] == []
    assert bool(unbreakable) == (name in {"normal", "first", "degraded"})


class Ses:
    """Keeps the request that a mail was sent with."""

    def send_email(self, **request: Any) -> dict[str, str]:
        self.request = request
        return {"MessageId": "1"}


@pytest.mark.parametrize("link", ["", UNSUBSCRIBE])
def test_a_mail_carries_the_headers_of_one_click_unsubscription_and_no_mailbox(link: str) -> None:
    ses = Ses()
    SesMailer(ses, "cv@cv.example", "set").send(Mail("o@cv.example", "s", "<p>", "t", link))
    headers = ses.request["Content"]["Simple"].get("Headers", [])
    assert {header["Name"]: header["Value"] for header in headers} == (
        {
            "List-Unsubscribe": f"<{UNSUBSCRIBE}>, <mailto:cv@cv.example?subject=unsubscribe>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        if link
        else {}
    )
