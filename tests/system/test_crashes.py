"""Killing any function's process loses nothing and counts nothing twice."""

from __future__ import annotations

import random
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.system.conftest import DEADLINE_SECONDS, answer, eventually, question
from tests.system.proxy import CuttingProxy
from tests.system.workers import workers_of
from tools.emulator.watch import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.demo.system import DeployedSystem
    from tools.deploy.account import Account
    from tools.emulator.emulator import Emulator

PUT_EVENTS = "AWSEvents.PutEvents"
RELAY = "processor-relay"
VICTIMS = ("processor-ingest", "processor-relay", "reporter-project", "reporter-summarise")
KILLS_EACH = 3
KILLED = KILLS_EACH * len(VICTIMS)
WATCH_SECONDS = 0.05
LONGEST_LIFE_SECONDS = 0.5
PACE_SECONDS = 0.5
QUESTIONS = 60


def test_killing_processes_while_questions_flow(emulator: Emulator, system: DeployedSystem) -> None:
    day, asked_at = "2025-07-01", 1_751_364_000_000  # 10:00 UTC
    requests: list[str] = []
    pace = threading.Event()
    with _killer(emulator) as killed:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(requests) < QUESTIONS or (len(killed) < KILLED and time.monotonic() < deadline):
            request, moment = str(uuid.uuid4()), asked_at + len(requests) * 30_000
            requests.append(request)
            # by HTTP, so that each question is a message group of its own: in the chatbot's single
            # group, the messages of a killed batch hold up all others until they are visible again
            system.send_to_api([question(request, moment), answer(request, moment)])
            pace.wait(PACE_SECONDS)
    assert sorted(killed) == sorted(VICTIMS * KILLS_EACH)
    _all_there_once(system, day, requests)


def test_killing_the_relay_between_put_events_and_its_acknowledgement(
    emulator: Emulator, system: DeployedSystem, admin: Account
) -> None:
    day, asked_at = "2025-07-02", 1_751_450_400_000
    requests = [str(uuid.uuid4()) for _ in range(5)]
    running = emulator.running()
    assert running is not None
    cut = threading.Event()

    def interrupt(target: str) -> bool:
        """Once: the bus has the events, and the relay dies before it learns so."""
        if target != PUT_EVENTS or cut.is_set():
            return False
        cut.set()
        for worker in workers_of(running.pid, RELAY):
            worker.kill()
        return True

    with CuttingProxy(running.port, interrupt) as proxy, _relay_through(admin, proxy.endpoint):
        for number, request in enumerate(requests):
            moment = asked_at + number * 30_000
            system.send_to_queue(question(request, moment))
            system.send_to_queue(answer(request, moment))
        eventually(cut.is_set, "the relay put events and was killed")
        _all_there_once(system, day, requests)


def _all_there_once(system: DeployedSystem, day: str, requests: list[str]) -> None:
    eventually(
        lambda: set(requests) <= set(system.correlations(day, day)), "every question correlated"
    )
    eventually(lambda: system.projected(day, day) >= len(requests), "every question projected")
    eventually(lambda: system.waiting() == 0, "all queues empty")
    assert sorted(system.correlations(day, day)) == sorted(requests)
    assert system.projected(day, day) == len(requests)


@contextmanager
def _killer(emulator: Emulator) -> Iterator[list[str]]:
    """Kill each victim's process several times, each time soon after it came up and took work.

    Not while it still starts: that would only show that a function which never runs does nothing.
    Yields the names of the killed.
    """
    running = emulator.running()
    assert running is not None
    stop, choose = threading.Event(), random.Random(7)
    killed: list[str] = []
    seen = {name: _starts(emulator, name) - len(workers_of(running.pid, name)) for name in VICTIMS}

    def kill() -> None:
        while not stop.wait(WATCH_SECONDS):
            for name in VICTIMS:
                if killed.count(name) < KILLS_EACH and _starts(emulator, name) > seen[name]:
                    stop.wait(choose.uniform(0, LONGEST_LIFE_SECONDS))
                    seen[name] = _starts(emulator, name)
                    for worker in workers_of(running.pid, name):
                        worker.kill()
                    killed.append(name)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def _starts(emulator: Emulator, function: str) -> int:
    """How often a function's process came up, by the emulator's log."""
    log = emulator.log.read_text(encoding="utf-8", errors="replace")
    return log.count(f"Lambda worker spawned for {PREFIX}{function} ")


@contextmanager
def _relay_through(admin: Account, endpoint: str) -> Iterator[None]:
    """Let the live relay speak to AWS through another address, and put it back afterwards."""
    functions = admin.client("lambda")
    name = f"{PREFIX}{RELAY}"
    before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    _set_variables(admin, variables | {"AWS_ENDPOINT_URL": endpoint})
    fresh = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=fresh)
    try:
        yield
    finally:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=before)
        _set_variables(admin, variables)


def _set_variables(admin: Account, variables: dict[str, str]) -> None:
    admin.client("lambda").update_function_configuration(
        FunctionName=f"{PREFIX}{RELAY}", Environment={"Variables": variables}
    )
