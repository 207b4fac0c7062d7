"""What a share link gives away: nothing from which a small group of visitors can be told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, product
from random import Random

import pytest
from fastapi.testclient import TestClient

from cv_reporter.application.dashboard_sharing import (
    ENOUGH,
    GRAIN,
    SharedBoard,
    shared,
    weeks_of_quarter,
)
from cv_reporter.application.entry import SHARE, token
from cv_reporter.bootstrap import services
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period, Week, local_day
from cv_reporter.domain.fact import Fact, Outcome, Skill
from cv_reporter.domain.summary import Summary, summarise
from cv_reporter.entrypoints.api import create_app
from tests.component.world import KEY
from tests.dashboard.conftest import ORIGIN, Play
from tests.dashboard.scenarios import SCENARIOS
from tests.sample import fact

ZONE = "UTC"
DAY_MS = 86_400_000
START = 1_759_104_000_000  # Monday, 29 September 2025: the first of a quarter's thirteen weeks
SKILLS = ("Go", "Rust", "Kubernetes")


def visit(number: int, day: int, skills: tuple[str, ...], outcome: Outcome) -> Fact:
    return fact(
        number,
        asked_at=START + day * DAY_MS,
        session_id=f"v{number}",
        outcome=outcome,
        skills=tuple(Skill(name, "Platform") for name in skills),
    )


def traffic(seed: int, visits: int) -> list[Fact]:
    random = Random(seed)
    return [
        visit(
            number,
            number * 70 // visits,
            tuple(name for name in SKILLS if random.random() < 0.4),
            random.choice((Outcome.FULL, Outcome.NONE)),
        )
        for number in range(visits)
    ]


def at(facts: list[Fact], today: date) -> SharedBoard | None:
    days: dict[date, list[Fact]] = {}
    for each in facts:
        days.setdefault(local_day(each.asked_at, ZONE), []).append(each)
    kept = {d: summarise(asked, d, ZONE, load_policy()) for d, asked in days.items()}

    def summary_of(period: Period) -> Summary:
        return Summary().merge(*(each for day, each in kept.items() if day in period))

    return shared(summary_of, today)


def sessions(facts: list[Fact], period: Period, skill: str | None = None) -> set[str]:
    return {
        each.session_id
        for each in facts
        if local_day(each.asked_at, ZONE) in period
        and (skill is None or skill in {s.name for s in each.skills})
    }


def shown_sets(facts: list[Fact], board: SharedBoard) -> list[tuple[int, set[str]]]:
    """Every count that is shown, beside the sessions that it stands for."""
    rows = [(row.sessions, sessions(facts, board.period, row.skill)) for row in board.skills]
    return [(board.sessions, sessions(facts, board.period)), *rows]


@pytest.mark.parametrize(("seed", "visits"), list(product(range(3), (40, 90, 250))))
def test_no_difference_of_shown_figures_tells_of_one_or_two_visitors(
    seed: int, visits: int
) -> None:
    facts = traffic(seed, visits)
    first = local_day(START, ZONE)
    boards = [at(facts, first + timedelta(days=n)) for n in range(7, 91, 3)]
    distinct = list({board.period: board for board in boards if board}.values())
    assert distinct
    for board in distinct:
        for figure, behind in shown_sets(facts, board):
            assert len(behind) >= GRAIN
            assert figure % GRAIN == 0
            assert 0 <= len(behind) - figure < GRAIN
        for (one, _), (other, _) in combinations(shown_sets(facts, board), 2):
            # Each figure stands for itself or one or two more: the difference is not known.
            differences = range(abs(one - other) - GRAIN + 1, abs(one - other) + GRAIN)
            assert 0 in differences or max(differences) >= GRAIN
    for earlier, later in combinations(distinct, 2):
        assert set(earlier.period.days).isdisjoint(later.period.days)


@pytest.mark.parametrize("skill", SKILLS)
def test_what_is_asked_today_changes_nothing_that_is_shown_today(skill: str) -> None:
    facts = traffic(1, 90)
    for back in range(14, 70, 9):
        today = local_day(START + back * DAY_MS, ZONE)
        past = [each for each in facts if local_day(each.asked_at, ZONE) <= today]
        before = at(past, today)
        for outcome in (Outcome.FULL, Outcome.NONE):
            assert at([*past, visit(9_999, back, (skill,), outcome)], today) == before


def test_two_own_sessions_do_not_tell_how_a_third_was_answered() -> None:
    others = [visit(n, 1, (), Outcome.FULL) for n in range(ENOUGH)]
    mine = [visit(100 + n, 1, ("Rust",), Outcome.FULL) for n in range(2)]
    today = local_day(START + 8 * DAY_MS, ZONE)
    seen = []
    for outcome in (Outcome.FULL, Outcome.NONE, Outcome.PARTIAL):
        victim = replace(visit(50, 2, ("Rust",), outcome), score=None)
        board = at([*others, *mine, victim], today)
        assert board is not None
        seen.append(board.skills)
    assert seen[0] == seen[1] == seen[2]


def test_thirteen_weeks_are_a_quarter_and_a_long_year_has_one_of_fourteen() -> None:
    assert len(weeks_of_quarter(Week(2025, 46))) == 13
    assert [str(w) for w in weeks_of_quarter(Week(2026, 53))][-1] == "2026-W53"
    assert len(weeks_of_quarter(Week(2026, 53))) == 14


def shared_page(play: Play, state: str) -> str:
    owner = play(state)
    owner.post("/dashboard/share", data={"csrf": owner.form_token(), "days": 7, "label": "mentor"})
    [share] = services().shares.all()
    key = token(SHARE, KEY, share.expires_s, id=share.id)
    stranger = TestClient(create_app(), base_url=ORIGIN)
    page = stranger.get(f"/dashboard/shared?key={key}").text
    for more in ("&period=4w", "&period=custom&from=2025-11-13&to=2025-11-13"):
        assert stranger.get(f"/dashboard/shared?key={key}{more}").text == page
    owner.post("/dashboard/share/revoke", data={"csrf": owner.form_token(), "id": share.id})
    assert stranger.get(f"/dashboard/shared?key={key}").status_code == 403
    return page


def test_a_share_shows_something_at_the_traffic_of_a_cv_and_nobodys_words(play: Play) -> None:
    page = shared_page(play, "normal")
    assert "15 or more" in page
    assert re.findall(r"<li><bdi>([^<]*)</bdi> <b>in (\d+) sessions or more", page) == [
        ("Kubernetes", "3")
    ]
    for asked in SCENARIOS["normal"].facts():
        assert asked.question not in page
    assert "csrf" not in page


def test_a_share_over_too_few_sessions_shows_nothing(play: Play) -> None:
    page = shared_page(play, "one")
    assert "Nothing to show yet" in page
    assert "Python" not in page
