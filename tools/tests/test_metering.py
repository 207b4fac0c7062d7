"""The process of the meter: one at a time, whatever ends it or the embedded AWS."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.emulator import watch
from tools.emulator.emulator import Emulator, Running, free_port
from tools.emulator.guard import Request
from tools.emulator.server import is_reading
from tools.observe import metering
from tools.observe.metering import Loop, MeterProcess


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MeterProcess]:
    process = MeterProcess(tmp_path)
    yield process
    process.stop()


def test_it_starts_once_and_stops(process: MeterProcess) -> None:
    assert process.running() is None
    pid = process.start()
    assert process.start() == process.running() == pid
    assert process.stop()
    assert process.running() is None
    assert not process.stop()


def test_after_a_kill_another_starts(process: MeterProcess) -> None:
    first = process.start()
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.running() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.running() is None
    assert process.start() != first


def test_a_second_one_ends_at_once(process: MeterProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    process.start()
    monkeypatch.setenv("CV_EMULATOR_HOME", str(process.home))
    metering.main()


def test_one_that_does_not_start_names_its_log(
    process: MeterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "MODULE", "tools.observe")
    monkeypatch.setattr(metering, "START_SECONDS", 0.3)
    with pytest.raises(TimeoutError, match=r"logs/meter\.log"):
        process.start()


def test_it_ends_when_the_embedded_aws_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "GONE_SECONDS", 0.2)
    monkeypatch.setattr(metering, "TICK_SECONDS", 0.01)
    loop = threading.Thread(target=Loop(tmp_path).run, args=(threading.Event(),))
    loop.start()
    loop.join(10)
    assert not loop.is_alive()


class BrokenError(Exception):
    """Its message is private."""


def test_an_error_is_one_line_without_its_message_and_the_next_tick_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[object] = []

    class Failing:
        def __init__(self, *_: object) -> None:
            made.append(self)

        def tick(self) -> None:
            if len(made) > 1:
                stop.set()
            raise BrokenError("private")

    stop = threading.Event()
    monkeypatch.setattr(metering, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(metering, "Meter", Failing)
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 2, "key", "id", "secret"))
    Loop(tmp_path).run(stop)
    printed = capsys.readouterr().out
    assert len(made) == 2
    assert printed.count("BrokenError") == 2
    assert "metering.py:" in printed
    assert "private" not in printed


def test_it_meters_a_real_embedded_aws_and_the_next_one(tmp_path: Path) -> None:
    emulator, process = Emulator(tmp_path), MeterProcess(tmp_path)
    try:
        port = free_port()
        emulator.start(port)
        pid = process.start()
        _until((tmp_path / "meter.json").exists)
        assert f"meter            process {pid}" in watch.status(emulator)
        emulator.stop()
        (tmp_path / "meter.json").unlink()
        emulator.start(port)
        _until((tmp_path / "meter.json").exists)
        assert process.running() == pid
        process.stop()
        assert "meter            not running" in watch.status(emulator)
    finally:
        process.stop()
        emulator.stop()


def _until(claim: object) -> None:
    deadline = time.monotonic() + 30
    while not claim():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("method", "path", "target", "expected"),
    [
        ("GET", "/x", "", True),
        ("POST", "/", "Logs_20140328.DescribeLogGroups", True),
        ("POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", "", True),
        ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "", False),
        ("POST", "/", "AmazonSQS.ReceiveMessage", False),
        ("POST", "/", "", False),
        ("PUT", "/x", "", False),
    ],
)
def test_a_call_that_only_reads_is_no_reason_to_save_the_state(
    method: str, path: str, target: str, expected: bool
) -> None:
    headers = {"x-amz-target": target} if target else {}
    assert is_reading(Request(method, path, "", headers)) is expected
