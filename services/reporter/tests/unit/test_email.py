"""The letter: five variants, each as golden HTML and text, small, and safe with hostile data."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cv_reporter.domain.document import to_json
from cv_reporter.domain.fact import Skill, Word
from cv_reporter.domain.report import (
    Comparison,
    Context,
    Coverage,
    Delivery,
    GapState,
    GapStatus,
)
from cv_reporter.domain.words import shown
from cv_reporter.presentation.email import render_html, subject
from cv_reporter.presentation.letter import GAPS, GROUPS, ROWS
from cv_reporter.presentation.text import render_text
from tests.sample import MONDAY_NOON, fact
from tests.weeks import EFFECTS, FACTS, HOSTILE, hostile_report, report_of, variants

GOLDEN = Path(__file__).parent.parent / "golden"
LINK = "https://api.example/dashboard?token=link.1763942400.c2lnbmF0dXJl"
MAX_BYTES = 60_000


@pytest.mark.parametrize("name", ["normal", "quiet", "first", "small", "degraded"])
@pytest.mark.parametrize("form", ["html", "txt"])
def test_each_variant_is_told_as_its_golden_file(name: str, form: str) -> None:
    report = variants()[name]
    told = {"html": render_html, "txt": render_text}[form](report, LINK)
    golden = GOLDEN / f"{name}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_subjects_carry_dates_counts_and_the_leading_skill() -> None:
    subjects = {name: subject(report) for name, report in variants().items()}
    start = "CV questions, 10–16 Nov (2025-W46): "
    assert subjects["normal"] == start + "28 asked, 12 unanswered – Kubernetes leads"
    assert subjects["quiet"] == start + "none asked"
    assert subjects["small"] == start + "3 asked, 1 unanswered"


@pytest.mark.parametrize("filling", ["long words ", '"', "&", "<", "界", "😀"])
def test_five_thousand_questions_stay_below_60_kb(filling: str) -> None:
    """Whatever they are made of: each text fills its bound, and `&` takes five bytes in HTML."""
    many = [
        each._replace(
            request_id=f"{each.request_id}-{n}",
            session_id=f"{each.session_id}-{n % 40}",
            question=f"{n}{filling * 200}",
            skills=(Skill(f"{n % 20}{filling * 80}", "other"),),
            words=(Word(f"{n % 20}{filling * 80}", f"{n % 61}{filling * 80}"),),
            intents=(f"{n % 50}{filling * 80}",),
            sources=(f"{n % 90}{filling * 80}",),
        )
        for n in range(180)
        for each in FACTS[12:]
    ]
    names = tuple(f"{n}{filling * 80}" for n in range(100))
    noted = tuple(each._replace(text=filling * 200, skill=filling * 80) for each in EFFECTS)
    context = Context(
        first_day=date(2025, 11, 3),
        comparison=Comparison(8, 2, 1_000, filling * 200),
        delivery=Delivery(9, 9),
        coverage=Coverage(120, names),
        effects=noted * 20,
        dead_letters=1_000,
        statuses={
            skill.name: GapStatus(skill.name, GapState.DONE, since=0)
            for each in many
            for skill in each.skills
        },
    )
    report = report_of(many, context=context)
    assert report.totals.questions == 5_040
    assert len(render_html(report, LINK).encode()) <= MAX_BYTES


# C0 and C1 controls, soft hyphen, zero-width, bidi marks, embeddings, overrides and isolates, line
# and paragraph separators, invisible operators, byte order mark, tags.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "span", "p", "h1",
    "h2", "b", "br", "a",
}  # fmt: skip


class Seen(HTMLParser):
    """The tags, attributes and pieces of text of a page, as a browser would find them."""

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


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_questions_and_reasons_are_shown_as_harmless_text(hostile: str) -> None:
    report = hostile_report(hostile)
    html, text = render_html(report, LINK), render_text(report, LINK)
    seen = Seen(html)
    assert seen.tags <= ALLOWED
    assert [value for name, value in seen.attributes if name in {"href", "src"}] == [LINK]
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert not [style for style in seen.styles if re.search(r"url|@import|expression", style)]
    for told in (html, text, subject(report)):
        assert not HIDDEN.search(told)
        assert not re.search(r"W{161}", told)
    assert "\n" not in subject(report)
    assert "\r" not in text
    assert len(html.encode()) <= MAX_BYTES


def test_what_is_hidden_in_a_text_is_dropped_and_what_can_be_seen_stays() -> None:
    hidden = "".join(chr(code) for code in range(0x2_0000) if HIDDEN.match(chr(code)))
    assert len(hidden) > 60
    assert shown(f"a{hidden}b", 80).replace(" ", "") == "ab"
    assert shown("naïve – “日本語” 👍", 80) == "naïve – “日本語” 👍"


def words_of(pieces: Iterable[str]) -> Counter[str]:
    return Counter(re.findall(r"[\w.%+-]*\w", " ".join(pieces)))


@pytest.mark.parametrize("name", list(variants()))
def test_the_text_part_carries_every_fact_of_the_html(name: str) -> None:
    """Every piece of text, and every number and word as often as the HTML has it."""
    report = variants()[name]
    html = re.sub(
        r'<span class="\w" style="display:inline-block[^>]*></span> [\w ]+',
        "",
        render_html(report, LINK),
    )  # a colour's key: the text names outcomes in words
    text = " ".join(render_text(report, LINK).split())
    pieces = [piece.strip(" ,") for piece in Seen(html).pieces]
    assert len(pieces) > 10
    assert [piece for piece in pieces if piece and piece not in text] == []
    assert words_of(pieces) - words_of([text]) == Counter()


def numbers_of(value: object) -> set[str]:
    """Every number of a JSON document, as the letter writes it."""
    if isinstance(value, dict):
        return set().union(*(numbers_of(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(numbers_of(each) for each in value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return set()
    return {f"{value:,}"}


def test_the_text_part_carries_every_headline_number_of_the_report() -> None:
    """The report's document beside its letter: each number and each name is told."""
    report = variants()["degraded"]
    document = json.loads(to_json(report))
    text = " ".join(render_text(report, LINK).split())
    told = set(re.findall(r"\d[\d,]*(?:\.\d+)?", text))
    found = document["findings"]
    parts = [document["totals"], document["comparison"], document["delivery"]]
    parts += [found[name] for name in (
        "full", "unanswered", "exitsOnMiss", "rephrased", "histogram", "excluded", "health",
        "promptAttacks", "withoutAttacks", "latency",
    )]  # fmt: skip
    parts += [document["coverage"]["listed"], document["coverage"]["days"]]
    parts += [sum(day["outcomes"].values()) for day in found["days"]]
    parts += [[trend["now"] for trend in found["trends"]], found["sessions"]["anonymousQuestions"]]
    missing = numbers_of(parts) - told - {f"{found['withoutAttacks'][k]:,}" for k in UNTOLD}
    assert missing == set()
    assert {f"{gap['gap']:.2f}" for gap in found["gaps"][:GAPS]} <= told
    labels = [gap["skill"] for gap in found["gaps"][:GAPS]]
    labels += [group["label"] for group in found["groups"][:GROUPS]]
    labels += [f"{each['asked']} → {each['source']}" for each in found["offers"][:ROWS]]
    labels += [each["skill"] for each in found["vocabulary"][:ROWS]]
    labels += [each["label"] for each in found["intents"][:ROWS]]
    labels += [each["text"] for each in document["actions"] + document["effects"]]
    labels += [trend["text"] for trend in found["trends"]] + document["coverage"]["neverAsked"]
    assert [label for label in labels if label not in text] == []


UNTOLD = (
    "full", "partial", "none", "noResponse", "fullPercent", "coveragePercent", "namedSessions",
    "latencyP50Ms", "latencyP95Ms",
)  # fmt: skip
"""Without attacks, the letter tells questions, answers and the mean."""


def test_small_weeks_claim_no_percentages() -> None:
    small = variants()["small"]
    assert "%" not in render_text(small)


def test_degraded_starts_with_the_warning() -> None:
    assert render_text(variants()["degraded"]).startswith("!! Only 2 of 8 days")


def test_times_are_the_owners_even_at_midnight() -> None:
    late = [fact(1, asked_at=MONDAY_NOON + 11 * 3_600_000 + 59 * 60_000)]
    assert "Mon 10 Nov 23:59" in render_text(report_of(late))
