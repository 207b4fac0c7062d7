from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tools.deploy.account import administrator
from tools.emulator.emulator import (
    REGION,
    Emulator,
    EmulatorError,
    Running,
    StateNotSavedError,
    free_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path / "aws")
    yield emulator
    emulator.stop()


def test_a_taken_port_is_one_line_with_the_remedy(emulator: Emulator) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=rf"port {port} is taken .*`make up PORT=[0-9]+`"):
            emulator.start(port)


def test_it_keeps_its_data_its_port_and_its_credentials(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    first = emulator.start(free_port())
    administrator(first).client("sqs").create_queue(QueueName="kept")
    assert emulator.start().pid == first.pid, "a second start finds the running one"
    assert emulator.stop()
    assert not emulator.stop(), "it is stopped"
    second = emulator.start()
    assert (second.port, second.secret_access_key) == (first.port, first.secret_access_key)
    queues = administrator(second).client("sqs").list_queues()["QueueUrls"]
    assert queues == [f"{second.endpoint}/000000000000/kept"]


def test_only_its_owner_reads_the_credentials(emulator: Emulator) -> None:
    emulator.start(free_port())
    assert emulator.record.stat().st_mode & 0o777 == 0o600


def test_it_listens_on_this_machine_alone(emulator: Emulator) -> None:
    running = emulator.start(free_port())
    # what listens on all addresses answers here too, with or without a network
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", running.port))


def test_forgetting_leaves_nothing(emulator: Emulator) -> None:
    emulator.start(free_port())
    emulator.forget()
    assert sorted(path.name for path in emulator.home.iterdir()) == ["lock", "logs"]


def queues(running: Running) -> list[str]:
    """The names of all queues, sorted."""
    urls = administrator(running).client("sqs").list_queues().get("QueueUrls", [])
    return sorted(url.rpartition("/")[2] for url in urls)


def saved_since(emulator: Emulator, before: Path | None) -> None:
    """Wait until a newer copy of the state is whole."""
    deadline = time.monotonic() + 30
    while emulator.checkpoints.latest == before:
        assert time.monotonic() < deadline, "no copy was made"
        time.sleep(0.1)


def kill(emulator: Emulator, running: Running) -> None:
    """End the process as a crash does."""
    os.kill(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while emulator.running() is not None:
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.05)


def test_after_a_kill_what_was_saved_is_there_and_the_rest_is_not(emulator: Emulator) -> None:
    first = emulator.start(free_port())
    administrator(first).client("sqs").create_queue(QueueName="saved")
    saved_since(emulator, None)
    administrator(first).client("s3").create_bucket(
        Bucket="half", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    kill(emulator, first)
    second = emulator.start()
    assert queues(second) == ["saved"]
    assert administrator(second).client("s3").list_buckets()["Buckets"] == []
    assert second.secret_access_key == first.secret_access_key


def test_what_a_killed_one_had_unpacked_is_gone_at_the_next_start(emulator: Emulator) -> None:
    unpacked = emulator.home / "tmp" / "function" / "handler.py"
    kill(emulator, emulator.start(free_port()))
    unpacked.parent.mkdir(parents=True)
    unpacked.touch()
    emulator.start()
    assert not unpacked.parent.exists()


def test_a_state_that_cannot_be_saved_is_said_at_the_stop(emulator: Emulator) -> None:
    first = emulator.start(free_port())
    administrator(first).client("sqs").create_queue(QueueName="saved")
    saved_since(emulator, None)
    administrator(first).client("sqs").create_queue(QueueName="lost")
    (emulator.home / "state" / "sqs.json.tmp").mkdir()  # where it would write first
    with pytest.raises(StateNotSavedError, match=r"could not be saved: free some space.*`make up`"):
        emulator.stop()
    assert queues(emulator.start()) in (["saved"], ["lost", "saved"])


def test_an_empty_record_is_a_first_start(emulator: Emulator) -> None:
    emulator.home.mkdir()
    emulator.record.touch()
    assert emulator.start(free_port()).pid


def test_two_starts_at_once_are_one(emulator: Emulator) -> None:
    port = free_port()
    with ThreadPoolExecutor(2) as both:
        others = Emulator(emulator.home)
        pids = {started.pid for started in both.map(lambda it: it.start(port), (emulator, others))}
    assert len(pids) == 1
    for it in (emulator, others):
        it.stop()


def test_nobody_else_may_read_what_it_keeps(emulator: Emulator) -> None:
    first = emulator.start(free_port())
    administrator(first).client("sqs").create_queue(QueueName="private")
    saved_since(emulator, None)
    modes = {path: path.stat().st_mode & 0o077 for path in emulator.home.rglob("*.json")}
    assert modes
    assert not any(modes.values())
    assert emulator.home.stat().st_mode & 0o777 == 0o700


def test_an_emulator_that_ends_while_it_starts_names_the_remedy(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.emulator.emulator.SERVER", "tools.emulator.no_such_module")
    with pytest.raises(EmulatorError, match=r"ended at once: repeat `make up`.*No module named"):
        emulator.start(free_port())


def test_an_emulator_that_does_not_answer_in_time_is_ended_and_names_the_remedy(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with monkeypatch.context() as patch:
        patch.setattr("tools.emulator.emulator.START_SECONDS", 0.0)
        with pytest.raises(EmulatorError, match="repeat `make up` when the machine"):
            emulator.start(port)
    assert emulator.running() is None
    assert emulator.start(port).port == port


def test_one_whose_starter_was_killed_before_it_answered_is_waited_for(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_it_has_a_record(*_: object) -> None:
        while emulator.running() is None:
            time.sleep(0.01)

    with monkeypatch.context() as patch:
        patch.setattr(Emulator, "_wait_until_healthy", until_it_has_a_record)
        emulator.start(free_port())
    assert queues(emulator.start()) == []


def test_state_is_saved_as_often_as_asked(tmp_path: Path) -> None:
    rare, often = Emulator(tmp_path / "rare", 3_600), Emulator(tmp_path / "often", 0.2)
    try:
        for emulator in (rare, often):
            running = emulator.start(free_port())
            administrator(running).client("sqs").create_queue(QueueName="kept")
        saved_since(often, None)
        assert rare.checkpoints.latest is None
    finally:
        for emulator in (rare, often):
            emulator.stop()
    assert queues(rare.start()) == ["kept"]
    rare.stop()
