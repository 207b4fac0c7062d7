"""One embedded AWS for all system tests: its own process, port and directory, real deploys."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tools.build.progress import Steps
from tools.demo.system import DeployedSystem
from tools.deploy import stacks
from tools.deploy.account import administrator
from tools.emulator import outputs
from tools.emulator.emulator import Emulator, free_port
from tools.paths import LOGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.deploy.account import Account

DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.2


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Started with all stacks deployed; stopped and gone at the end, whatever happened."""
    emulator = Emulator(tmp_path_factory.mktemp("embedded-aws"))
    steps = Steps()
    try:
        stacks.deploy(stacks.start(emulator, steps, free_port()), stacks.ALL, steps)
        yield emulator
    finally:
        emulator.stop()
        LOGS.mkdir(parents=True, exist_ok=True)
        shutil.copy(emulator.log, LOGS / "system-emulator.log")


@pytest.fixture
def admin(emulator: Emulator) -> Iterator[Account]:
    running = emulator.running()
    assert running is not None
    with administrator(running) as admin:
        yield admin


@pytest.fixture
def system(admin: Account) -> Iterator[DeployedSystem]:
    with system_of(admin) as system:
        yield system


def system_of(admin: Account) -> DeployedSystem:
    """A fresh look at the system, as after a restart."""
    return DeployedSystem(outputs.collect(admin), admin)


def eventually(claim: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until a claim holds; fail with what should have come true."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(POLL_SECONDS)


def dead_letters(system: DeployedSystem, queue: str) -> list[dict[str, object]]:
    """The bodies that lie in a queue, looked at without receiving them."""
    path, url = "/_ministack/sqs/messages", system.url_of(queue)
    accounts = system.account.control(path, QueueUrl=url)["messages"]
    return [
        message
        for regions in accounts.values()
        for queues in regions.values()
        for messages in queues.values()
        for message in messages
    ]


def question(request_id: str, asked_at: int, session: str = "s-system") -> dict[str, object]:
    """A query event as the chatbot sends it."""
    return {
        "eventType": "query",
        "requestId": request_id,
        "timestamp": asked_at,
        "sessionId": session,
        "query": "How many years of Python do you have in production?",
    }


def answer(request_id: str, asked_at: int, score: int = 93) -> dict[str, object]:
    """Its response event, 1.7 s later."""
    return {
        "eventType": "response",
        "requestId": request_id,
        "timestamp": asked_at + 1_700,
        "matchType": "full",
        "matchScore": score,
        "reasoning": "best match Python",
        "performance": {"totalTime": 1_700},
    }


def parsed(body: object) -> object:
    """A queue message's body as JSON, or as it is."""
    try:
        return json.loads(str(body))
    except ValueError:
        return body
