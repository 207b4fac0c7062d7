from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tools.emulator.aws import administrator
from tools.emulator.emulator import Emulator, EmulatorError, free_port

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
    assert sorted(path.name for path in emulator.home.iterdir()) == ["logs"]
