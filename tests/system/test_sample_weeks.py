"""The sample weeks, through every way in, to the e-mail: the numbers are those of golden.json."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.system.conftest import eventually
from tools.demo import samples
from tools.demo.demo import ZONE
from tools.demo.system import is_of_week
from tools.paths import SAMPLE_DATA

if TYPE_CHECKING:
    from tools.demo.system import DeployedSystem

FIRST, SECOND = "2025-W45", "2025-W46"
DAYS = ("2025-11-03", "2025-11-16")
QUESTIONS = 40
_MONDAY_AFTER = datetime(2025, 11, 17, 12, tzinfo=UTC)
GOLDEN = samples.golden(SAMPLE_DATA, str(ZONE))


def _send_all(system: DeployedSystem, seed: int) -> None:
    """The first week by SQS, the second by HTTP; shuffled, every tenth event twice."""
    plan = samples.plan(samples.load(SAMPLE_DATA), _MONDAY_AFTER, ZONE)
    assert (plan.first_week, plan.second_week) == (FIRST, SECOND)
    shuffled = random.Random(seed)
    for event in shuffled.sample(plan.by_queue, len(plan.by_queue)):
        system.send_to_queue(event)
    by_api = shuffled.sample(plan.by_api, len(plan.by_api))
    for at in range(0, len(by_api), 20):
        batch = by_api[at : at + 20]
        assert system.send_to_api(batch) == len(batch)


def _drained(system: DeployedSystem) -> None:
    eventually(lambda: len(system.correlations(*DAYS)) == QUESTIONS, "all questions correlated")
    eventually(lambda: system.projected(*DAYS) == QUESTIONS, "all questions projected")
    eventually(lambda: system.waiting() == 0, "all queues empty")


def test_totals_of_both_weeks_are_golden(system: DeployedSystem) -> None:
    _send_all(system, seed=1)
    _drained(system)
    for week in (FIRST, SECOND):
        system.build_report(week, send=False)
        assert system.totals(week) == GOLDEN[week]


def test_one_mail_goes_out_with_both_parts_however_often_it_is_asked_for(
    system: DeployedSystem,
) -> None:
    before = len(system.mails())
    for _ in range(2):
        system.build_report(SECOND, send=True)
    sent = system.mails()[before:]
    assert len(sent) == 1
    assert sent[0]["To"] == ["owner@cv.example"]
    assert is_of_week(sent[0], SECOND)
    assert "28" in sent[0]["BodyText"]
    assert "<html" in sent[0]["BodyHtml"]


def test_everything_again_changes_nothing(system: DeployedSystem) -> None:
    known = system.correlations(*DAYS)
    totals = [system.totals(week) for week in (FIRST, SECOND)]
    _send_all(system, seed=2)
    _drained(system)
    for week in (FIRST, SECOND):
        system.build_report(week, send=True)
    assert system.correlations(*DAYS) == known
    assert [system.totals(week) for week in (FIRST, SECOND)] == totals
