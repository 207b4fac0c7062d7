"""Each wrong step is detected by the check that names what it loses, and then healed."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest

from migration import sender
from migration.before import deploy
from migration.phases import controls, rehearsal
from migration.phases.context import Context

DETECTED = {
    "fire-and-forget": ("questions", "lost"),
    "muted-deadlines": ("questions", "open"),
    "blind-backfill": ("questions", "lost"),
    "code-only-rollback": ("questions", "lost"),
    "lock-left-behind": ("mails of weeks that were mailed", ""),
    "relay-before-links": ("facts", "missing"),
}


def test_questions_come(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = deploy.send_samples(context.account, datetime.now(UTC))
    ids = {event["requestId"] for event in (*plan.by_queue, *plan.by_api)}
    deploy.settle(context.account, lambda: deploy.closed(context.account, ids))
    deploy.prove(context.account, plan)
    context.keep("sample-weeks", plan.weeks)
    monkeypatch.setenv("RATE", "3")
    sender.start(context)
    deadline = time.monotonic() + 60
    while not context.journal.entries() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert sender.running(context.home) is not None


def test_every_control_is_tested() -> None:
    assert DETECTED.keys() == controls.CASES.keys()


@pytest.mark.parametrize("case", controls.CASES)
def test_a_wrong_step_is_detected_for_its_own_reason_and_healed(
    context: Context, case: str
) -> None:
    start = rehearsal.ENDS[controls.CASES[case].state]
    rehearsal.forward(context, start, lambda _: None)
    check = controls.run(context, case)
    name, count = DETECTED[case]
    assert (check.name, check.holds) == (name, False)
    assert re.search(rf"{count} ?[1-9]", check.value)
    assert [one for one in rehearsal.check(context) if not one.holds] == []
