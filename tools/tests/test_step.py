"""Two makes in one checkout: a step runs once, and the other make waits for it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tools.build import step
from tools.build.step import is_made, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(step, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(step, "ROOT", tmp_path)
    return tmp_path / "logs"


def run(*arguments: str) -> int:
    return main([*arguments])


def test_what_another_make_has_just_made_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "source").touch()
    command = "echo made >>runs; sleep 0.5"
    arguments = ("--makes", ".", "target source", "step once", command)
    with ThreadPoolExecutor(2) as together:
        codes = list(together.map(lambda _: run(*arguments), range(2)))
    assert codes == [0, 0]
    assert (tmp_path / "runs").read_text() == "made\n"
    assert (tmp_path / "target").exists()


def test_steps_of_one_name_run_one_after_the_other(tmp_path: Path) -> None:
    command = "mkdir alone && sleep 0.3 && rmdir alone"  # fails if the folder is there
    with ThreadPoolExecutor(2) as together:
        assert list(together.map(lambda _: run("step", command), range(2))) == [0, 0]


def test_a_step_that_fails_makes_nothing(tmp_path: Path) -> None:
    assert run("--makes", ".", "target", "fails", "exit 3") == 3
    assert not (tmp_path / "target").exists()


def test_a_step_that_was_killed_holds_up_nobody(tmp_path: Path, logs: Path) -> None:
    logs.mkdir()
    holding = "import sys, time; from pathlib import Path; from tools.build.step import alone"
    holding += "\nwith alone(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", holding, str(logs / "killed.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(run, "killed", "exit 0")
            time.sleep(0.3)
            assert not waiting.done(), "the other one is at it"
            os.killpg(other.pid, signal.SIGKILL)
            assert waiting.result(timeout=20) == 0


@pytest.mark.parametrize(
    ("source", "made"), [(None, False), (1, True), (2, True), (3, False)], ids=str
)
def test_a_target_is_made_when_no_source_is_newer(
    tmp_path: Path, source: int | None, *, made: bool
) -> None:
    for name, seconds in (("target", 2), ("source", source)):
        if seconds is not None:
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (seconds, seconds))
    assert is_made(tmp_path / "target", [tmp_path / "source"]) is made


def test_a_target_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert not is_made(tmp_path / "target", [])


def test_a_full_disk_is_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fcntl, "flock", full)
    assert run("full", "exit 0") == 1
    assert capfd.readouterr().err.strip() == "error: the disk is full: free some space and repeat"


def test_other_failures_of_the_file_system_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(PermissionError):
        run("denied", "exit 0")


def test_a_step_that_failed_on_a_full_disk_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    assert run("fails", "exit 3") == 3
    assert "error: the disk is full" in capfd.readouterr().err
