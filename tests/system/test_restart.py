"""`make down && make up` keeps what there was, and the system goes on."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.system.conftest import answer, eventually, question, system_of
from tools.build.progress import Steps
from tools.deploy import stacks
from tools.deploy.account import administrator

if TYPE_CHECKING:
    from tools.demo.system import DeployedSystem
    from tools.emulator.emulator import Emulator

DAY, WEEK, ASKED_AT = "2025-08-05", "2025-W32", 1_754_388_000_000  # a Tuesday, 10:00 UTC


def test_correlations_facts_and_reports_survive(emulator: Emulator, system: DeployedSystem) -> None:
    requests = [str(uuid.uuid4()) for _ in range(3)]
    for request in requests:
        system.send_to_queue(question(request, ASKED_AT))
        system.send_to_queue(answer(request, ASKED_AT))
    eventually(lambda: system.projected(DAY, DAY) == len(requests), "all questions projected")
    system.build_report(WEEK, send=True)
    known = system.correlations(DAY, DAY), system.report(WEEK, "application/json")
    assert len(system.mails()) > 0

    assert emulator.stop()
    with administrator(emulator.start()) as admin:
        stacks.deploy(admin, stacks.ALL, Steps())
        with system_of(admin) as again:
            _goes_on(again, known, len(requests))


def _goes_on(again: DeployedSystem, known: tuple[dict[str, int], str], count: int) -> None:
    assert (again.correlations(DAY, DAY), again.report(WEEK, "application/json")) == known
    assert again.projected(DAY, DAY) == count
    later = str(uuid.uuid4())
    again.send_to_queue(question(later, ASKED_AT + 60_000))
    again.send_to_queue(answer(later, ASKED_AT + 60_000))
    eventually(lambda: again.projected(DAY, DAY) == count + 1, "a later one arrives")
    mails = len(again.mails())  # the emulator's outbox does not outlive it, our ledger does
    again.build_report(WEEK, send=True)
    assert len(again.mails()) == mails, "that week's mail had gone out before the restart"
