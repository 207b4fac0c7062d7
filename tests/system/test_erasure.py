"""A session, or a question, is forgotten from the dashboard, and both services report it."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.owner import Form, signed_in
from tests.system.conftest import answer, eventually, question
from tests.system.test_input_kinds import stored
from tools.demo.demo import ZONE
from tools.demo.system import dashboard_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.owner import Owner
    from tools.demo.system import DeployedSystem
    from tools.emulator.emulator import Emulator

FORGOTTEN, KEPT = "s-forgotten:a@b+c=1", "s-kept"
ANONYMOUS_TEXT = "Would an unnamed submarine of mine dive"
TEXT = "Where would a zeppelin of mine land"
ASKED = {"e-1": FORGOTTEN, "e-2": FORGOTTEN, "e-3": KEPT}


@pytest.fixture(scope="module")
def asked_at() -> int:
    """A moment ago (UTC ms), the same for all questions."""
    return int(time.time() * 1000) - 10_000


@pytest.fixture
def owner(system: DeployedSystem, asked_at: int) -> Iterator[Owner]:
    """Signed in by the mail about the week in which both sessions asked."""
    yield from _mailed(system, asked_at, ASKED)


@pytest.fixture
def owner_later(system: DeployedSystem, asked_at: int) -> Iterator[Owner]:
    """Signed in when one session is erased already; its questions would not come back."""
    yield from _mailed(system, asked_at, {"e-3": KEPT})


def _mailed(system: DeployedSystem, asked_at: int, asked: dict[str, str]) -> Iterator[Owner]:
    for request_id, session in asked.items():
        words = {"query": TEXT} if session == FORGOTTEN else {}
        system.send_to_api([question(request_id, asked_at, session) | words])
        system.send_to_api([unanswered(request_id, asked_at) | {"reasoning": words.get("query")}])
    today = datetime.fromtimestamp(asked_at / 1000, ZONE)
    year, week, _ = today.isocalendar()
    system.build_report(f"{year}-W{week:02d}", send=True)
    with signed_in(dashboard_link(system.mails())) as owner:
        for session in set(asked.values()):
            eventually(partial(seen, owner, session), f"{session} on the dashboard")
        yield owner


def unanswered(request_id: str, asked_at: int) -> dict[str, object]:
    """Such questions are quoted in summaries, reports and mails."""
    return answer(request_id, asked_at, score=0) | {"matchType": "none"}


def test_a_session_erased_by_form_is_gone_and_both_services_report(
    system: DeployedSystem, emulator: Emulator, owner: Owner
) -> None:
    assert TEXT in stored(system)
    refused_without_its_own_token(owner)
    receipt = owner.erase(FORGOTTEN)
    both = {"Processor": 2, "Reporter": 2}
    eventually(lambda: owner.receipt(receipt) == both, "both counts on the dashboard")
    assert not seen(owner, FORGOTTEN)
    assert seen(owner, KEPT)
    for request_id, session in ASKED.items():
        found = system.processor.get(f"/v1/correlations/{request_id}")
        assert found.is_success == (session == KEPT)
    eventually(lambda: TEXT not in stored(system), "no item of any table has the text")
    assert TEXT.casefold() not in stored(system).casefold()
    assert [path for path in files(emulator) if TEXT.encode() in path.read_bytes()] == []


def test_an_anonymous_question_erased_by_form_is_gone_and_both_services_report(
    system: DeployedSystem, owner_later: Owner, asked_at: int
) -> None:
    owner = owner_later
    event = question("e-4", asked_at, KEPT) | {"query": ANONYMOUS_TEXT}
    del event["sessionId"]
    system.send_to_api([event])
    system.send_to_api([unanswered("e-4", asked_at)])
    at = {"id": "e-4", "at": str(asked_at)}
    eventually(lambda: owner.look("question", **at).is_success, "the question on the dashboard")
    receipt = owner.erase_question("e-4", asked_at)
    both = {"Processor": 1, "Reporter": 1}
    eventually(lambda: owner.receipt(receipt) == both, "both counts on the dashboard")
    assert owner.look("question", **at).status_code == httpx.codes.NOT_FOUND
    assert system.processor.get("/v1/correlations/e-4").status_code == httpx.codes.NOT_FOUND
    eventually(lambda: ANONYMOUS_TEXT not in stored(system), "no item of any table has the text")
    assert seen(owner, KEPT)


def files(emulator: Emulator) -> Iterator[Path]:
    """All objects and logs."""
    yield emulator.log
    for folder in ("s3", "logs"):
        yield from (path for path in (emulator.home / folder).rglob("*") if path.is_file())


def refused_without_its_own_token(owner: Owner) -> None:
    page = owner.look("erase", id=FORGOTTEN)
    form = Form.on(page.text, "dashboard/erase")
    forged = form.fields | {"csrf": "forged", "sure": "yes"}
    answered = owner.send(page.url, form.action, forged)
    assert answered.status_code == httpx.codes.FORBIDDEN
    assert seen(owner, FORGOTTEN)


def seen(owner: Owner, session: str) -> bool:
    return owner.look("session", id=session).is_success
