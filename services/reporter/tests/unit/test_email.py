"""The letter: five variants, each as golden HTML and text, small, and safe with hostile data."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cv_reporter.domain.fact import Outcome, Skill
from cv_reporter.rendering.email import render_html, subject
from cv_reporter.rendering.text import render_text
from tests.sample import MONDAY_NOON, fact
from tests.weeks import FACTS, report_of, variants

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


def test_five_thousand_questions_stay_below_60_kb() -> None:
    many = [
        replace(
            each,
            request_id=f"{each.request_id}-{n}",
            session_id=f"{each.session_id}-{n % 40}",
            question=f"{each.question} {'long words ' * 40}{n}",
            skills=(*each.skills, Skill(f"Skill {n % 300}" * 4, "other")),
            sources=(f"Entry {n % 90}" * 8,),
        )
        for n in range(180)
        for each in FACTS[12:]
    ]
    report = report_of(many)
    assert report.totals.questions == 5_040
    assert len(render_html(report, LINK).encode()) <= MAX_BYTES


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u202egnp.exe\u2066 \u200bhidden\u0000 https://evil.example/?q=1",
    '=HYPERLINK("https://evil.example","click")',
    "W" * 10_000,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!",
    "\r\nBcc: everybody@evil.example",
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_and_questions_are_shown_as_harmless_text(hostile: str) -> None:
    asked = [
        fact(
            n,
            question=hostile,
            outcome=Outcome.NONE,
            score=10,
            skills=(Skill(hostile[:80], hostile[:80]),) if n % 2 else (),
            sources=(hostile[:200],),
            intents=(hostile[:80],) if n % 3 else (),
        )
        for n in range(8)
    ]
    report = report_of(asked)
    html, text = render_html(report, LINK), render_text(report, LINK)
    assert re.findall(r"<(?:script|img|iframe|link|object|form)\b", html) == []
    assert re.findall(r'(?:href|src)="([^"]*)"', html) == [LINK]
    for told in (html, text, subject(report)):
        assert not re.search("[\u0000\u200b\u202a-\u202e\u2066-\u2069]", told)
    assert "\n" not in subject(report)
    assert len(html.encode()) <= MAX_BYTES


def test_the_text_part_carries_every_fact_of_the_html() -> None:
    for report in variants().values():
        text = " ".join(render_text(report, LINK).split())
        for cell in re.findall(r'font-size:13px">([^<]+)</span>', render_html(report, LINK)):
            fact_told = cell.replace("&amp;", "&").replace("&#x27;", "'").replace("&quot;", '"')
            for part in re.split(r"[;:(] ?|\)", fact_told):
                assert part.strip() in text


def test_small_weeks_claim_no_percentages() -> None:
    small = variants()["small"]
    assert "%" not in render_text(small)


def test_degraded_starts_with_the_warning() -> None:
    assert render_text(variants()["degraded"]).startswith("!! Only 2 of 8 days")


def test_times_are_the_owners_even_at_midnight() -> None:
    late = [fact(1, asked_at=MONDAY_NOON + 11 * 3_600_000 + 59 * 60_000)]
    assert "Mon 10 Nov 23:59" in render_text(report_of(late))
