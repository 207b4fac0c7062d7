"""What is stored and answered as JSON stays the same, byte for byte.

Rows are read for 400 days, and a digest tells whether a report has changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cv_reporter.adapters.items import from_item, to_item
from cv_reporter.application.publish import stored
from cv_reporter.data import load_policy
from cv_reporter.domain.fact import Audience, Fact, FactKey, Outcome, Skill, Word
from cv_reporter.domain.summary import summarise
from cv_reporter.domain.summary_document import dumps, loads
from cv_reporter.entrypoints.api import create_app
from tests.component.world import World
from tests.sample import fact
from tests.weeks import FACTS, LONDON, by_day, variants

GOLDEN = Path(__file__).parent.parent / "golden"
DAYS = "from=2025-11-10&to=2025-11-16"
SKILLS = (Skill("Go", "language"), Skill("AWS", "cloud", umbrella=True))
FULL = fact(
    7,
    session_id="s1",
    outcome=Outcome.NONE,
    question="Any Gö? “No” \u2028",
    audience=Audience.OWNER,
    score=0,
    reasoning="none\n",
    sources=("Python", "Rust"),
    cache_hit=True,
    skills=SKILLS,
    words=(Word("Go", "golang"),),
    intents=("skills",),
    client="browser",
    referer_host="cv.example",
    clock_skewed=True,
    revision=2,
)


def check(name: str, text: str) -> None:
    """`UPDATE_GOLDEN=1` writes the file instead."""
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(variants()))
def test_a_report_is_stored_as_its_golden_file(name: str) -> None:
    check(name, stored(variants()[name], 0).body)


@pytest.mark.parametrize(("name", "kept"), [("fact-full", FULL), ("fact-sample", FACTS[3])])
def test_a_fact_is_stored_as_its_golden_file_and_read_again(name: str, kept: Fact) -> None:
    item = to_item(kept, FactKey("DAY#2025-11-10#0", "row"), 400)
    check(name, item["data"]["S"])
    assert from_item(item) == kept


def test_a_day_summary_is_stored_as_its_golden_file_and_read_again() -> None:
    facts = max(by_day(FACTS).items(), key=lambda day: len(day[1]))
    summary = summarise([*facts[1], FULL], facts[0], LONDON, load_policy())
    check("day", dumps(summary))
    assert loads(dumps(summary)) == summary


def test_the_api_answers_with_its_golden_files(busy: World) -> None:
    api = TestClient(create_app())
    note = {"date": "2025-11-10", "text": "added a Helm project – “new”", "skill": "Kubernetes"}
    check("api-annotation", api.post("/v1/annotations", json=note).text)
    check("api-summary", api.get(f"/v1/summary?{DAYS}").text)
    check("api-questions", api.get(f"/v1/questions?{DAYS}&limit=5").text)
    skills = api.put("/v1/cv-skills", json={"skills": ["Go", "Python"]}).json()
    assert api.get("/v1/cv-skills").json() == skills == {"skills": ["Go", "Python"]}
