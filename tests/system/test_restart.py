"""`make down && make up` keeps what there was, and the system goes on."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from local import pipeline
from local.aws import administrator
from local.progress import Steps

from tests.system.conftest import answer, eventually, house_of, question

if TYPE_CHECKING:
    from local.emulator import Emulator
    from local.house import House

DAY, WEEK, ASKED_AT = "2025-08-05", "2025-W32", 1_754_388_000_000  # a Tuesday, 10:00 UTC


def test_correlations_facts_and_reports_survive(emulator: Emulator, house: House) -> None:
    requests = [str(uuid.uuid4()) for _ in range(3)]
    for request in requests:
        house.send_to_queue(question(request, ASKED_AT))
        house.send_to_queue(answer(request, ASKED_AT))
    eventually(lambda: house.projected(DAY, DAY) == len(requests), "all questions projected")
    house.build_report(WEEK, send=True)
    known = house.correlations(DAY, DAY), house.report(WEEK, "application/json")
    assert len(house.mails()) > 0

    assert emulator.stop()
    running = emulator.start()
    pipeline.deploy(emulator, running, pipeline.ALL, Steps())

    with administrator(running) as admin, house_of(emulator, admin) as again:
        assert (again.correlations(DAY, DAY), again.report(WEEK, "application/json")) == known
        assert again.projected(DAY, DAY) == len(requests)
        later = str(uuid.uuid4())
        again.send_to_queue(question(later, ASKED_AT + 60_000))
        again.send_to_queue(answer(later, ASKED_AT + 60_000))
        eventually(lambda: again.projected(DAY, DAY) == len(requests) + 1, "a later one arrives")
        mails = len(again.mails())  # the emulator's outbox does not outlive it, our ledger does
        again.build_report(WEEK, send=True)
        assert len(again.mails()) == mails, "that week's mail had gone out before the restart"
