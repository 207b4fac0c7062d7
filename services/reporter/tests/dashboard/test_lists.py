"""Every number of the dashboard opens exactly its questions: list, CSV and API agree."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import replace
from datetime import date
from html import unescape

import pytest

from cv_reporter.application import queries
from cv_reporter.application.dashboard_view import read_view
from cv_reporter.application.queries import Filter
from cv_reporter.bootstrap import services
from cv_reporter.data import load_policy
from cv_reporter.domain.annotation import measured
from cv_reporter.domain.calendar import Period
from cv_reporter.domain.fact import Fact, Outcome, Skill, Word
from cv_reporter.domain.findings import Gap, gaps
from cv_reporter.domain.report import GapState, GapStatus, with_status
from cv_reporter.domain.summary import Summary, summarise
from cv_reporter.presentation.csv import questions_csv
from tests.dashboard.conftest import Play
from tests.dashboard.scenarios import NOW, keep
from tests.sample import fact

AUTUMN_CLOCK_CHANGE = 1_761_438_600_000
"""Sunday, 26 October 2025, 01:30 in London, for the first time."""
DAY = date(2025, 11, 13)
TODAY = date(2025, 11, 17)


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def links(page: str, part: str) -> list[str]:
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', page) if part in href]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(skill="kubernetes"),
        Filter(intent="AVAILABILITY"),
        Filter(text="CAFÉ au"),
        Filter(text=unicodedata.normalize("NFD", "café  au\tlait")),
        Filter(text="ｃafé"),
        Filter(offered="docker", skill="KUBERNETES"),
        Filter(word="K8S"),
    ],
)
def test_a_filter_takes_names_in_any_case_and_text_in_any_unicode_form(wanted: Filter) -> None:
    asked = fact(
        1,
        question="Caf\u200bé  au   lait with K8s?",
        outcome=Outcome.PARTIAL,
        skills=(Skill("Kubernetes", "Platform"),),
        words=(Word("Kubernetes", "K8s"),),
        intents=("availability",),
        sources=("Docker",),
    )
    assert wanted.admits(asked)
    assert not wanted.admits(
        replace(asked, question="?", skills=(), words=(), intents=(), sources=())
    )


def test_a_decision_in_another_case_is_about_the_same_gap(play: Play) -> None:
    owner = play("normal")
    answer = owner.post(
        "/dashboard/gap", data={"csrf": owner.form_token(), "decision": "done:KUBERNETES"}
    )
    assert answer.status_code == 200
    [gap] = [g for g in board_gaps() if g.skill == "Kubernetes"]
    assert gap.status == GapState.DONE
    services().notes.decide("kubernetes", GapState.WONT, "")
    decided = [status for status in services().notes.decisions() if status.skill.islower()]
    assert decided == []
    answer = owner.put("/v1/gaps/kubernetes", json={"state": "planned"})
    assert answer.status_code == 200
    [gap] = [g for g in board_gaps() if g.skill == "Kubernetes"]
    assert gap.status == GapState.PLANNED


def board_gaps() -> tuple[Gap, ...]:
    return services().dashboard.board(read_view({}, TODAY), TODAY).findings.gaps


def test_of_two_decisions_whose_names_differ_in_case_the_later_counts() -> None:
    summary = summarise([fact(1, score=10, outcome=Outcome.NONE)], DAY, "UTC", load_policy())
    [gap] = gaps(summary.visitors, Summary().visitors)
    later = GapStatus(gap.skill.upper(), GapState.WONT, 9)
    statuses = {s.skill: s for s in (later, GapStatus(gap.skill, GapState.PLANNED, 3))}
    assert with_status([gap], statuses)[0].status == GapState.WONT


def test_a_note_measures_its_skill_in_any_case() -> None:
    summary = summarise([fact(1)], DAY, "UTC", load_policy())
    [name] = [skill.name for skill in fact(1).skills]
    assert measured(name.upper(), [summary]).full.whole == 1


HARD = (
    "x;+1+1;y",
    "a,b\tc",
    'say "hi"; now',
    "line\nbreak",
    "=SUM(A1)",
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_text_stays_one_cell_whatever_separates_cells(delimiter: str) -> None:
    text = questions_csv([fact(1, question=question) for question in HARD], "Europe/London")
    _, *lines = text.removeprefix("\ufeff").splitlines()
    assert len(lines) == len(HARD)
    for line, question in zip(lines, HARD, strict=True):
        # A spreadsheet of another locale splits at its own separator, but never inside of quotes.
        cells = next(csv.reader([line.replace('",', f'"{delimiter}')], delimiter=delimiter))
        assert any(" ".join(question.split()) in cell for cell in cells), question
    assert not [cell for row in rows(text) for cell in row.values() if cell[:1] in tuple("=+-@")]


@pytest.mark.parametrize(
    ("given", "cell"),
    [
        ("00123", "'00123"),
        ("1E10", "'1E10"),
        ("12-11", "'12-11"),
        ("MAR1", "'MAR1"),
        ("true", "'true"),
        ("1763370000000", "'1763370000000"),
        ("s12", "s12"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_an_id_stays_a_text(given: str, cell: str) -> None:
    [row] = rows(questions_csv([fact(1, session_id=given, request_id=given)], "UTC"))
    assert (row["session"], row["request_id"]) == (cell, cell)


def test_the_repeated_hour_of_a_clock_change_can_be_told_apart() -> None:
    asked = [fact(n, asked_at=AUTUMN_CLOCK_CHANGE + n * 3_600_000) for n in (0, 1)]
    times = [row["local_time"] for row in rows(questions_csv(asked, "Europe/London"))]
    assert times == ["2025-10-26T01:30:00+01:00", "2025-10-26T01:30:00+00:00"]


def many(count: int, text: str = "?") -> list[Fact]:
    return [fact(n, asked_at=NOW - n * 60_000, question=text) for n in range(count)]


@pytest.mark.parametrize("path", ["/dashboard/questions.csv?period=4w",
                                  "/v1/export.csv?from=2025-10-21&to=2025-11-17"])  # fmt: skip
def test_an_export_is_never_cut(play: Play, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    owner = play("empty")
    asked = many(10_500)
    monkeypatch.setattr(queries.Queries, "newest", lambda *_: iter(asked))
    assert len(rows(owner.get(path).text)) == len(asked)


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_an_export_that_no_answer_can_hold_is_refused_with_two_that_hold_all(
    play: Play, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = play("empty")
    keep(many(3_000))
    if limit == "rows":
        monkeypatch.setattr(queries, "MAX_ANSWER_BYTES", 2_000 * queries.ROW_BYTES)
    else:
        monkeypatch.setattr("cv_reporter.entrypoints.api.answer_limit.MAX_PAYLOAD_BYTES", 500_000)
    days = "period=custom&from=2025-11-15&to=2025-11-17"
    refused = owner.get(f"/dashboard/questions.csv?{days}&outcome=full")
    assert refused.status_code == 422
    assert "Too many questions for one file" in refused.text
    halves = links(refused.text, "questions.csv")
    assert len(halves) == 2
    assert all("outcome=full" in address for address in halves)
    single = owner.get("/dashboard/questions.csv?period=custom&from=2025-11-16&to=2025-11-16")
    assert "Choose an outcome" in single.text or single.status_code == 200
    answer = owner.get("/v1/export.csv?from=2025-11-15&to=2025-11-17")
    assert (answer.status_code, "fewer days" in answer.text) == (422, True)


def test_halves_join_to_the_whole_period() -> None:
    whole = Period(DAY.replace(day=1), DAY)
    first, second = whole.halves()
    assert first.days + second.days == whole.days
    assert Period(DAY, DAY).halves() == ()
