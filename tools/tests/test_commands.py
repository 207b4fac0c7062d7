"""Commands on the embedded AWS of one checkout: one at a time, and one line when it goes wrong."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from typing import TYPE_CHECKING

import pytest
from cv_contracts.errors import UnreachableError

from tools import __main__ as commands
from tools.deploy.account import NotReachableError
from tools.deploy.cdk import DeployError
from tools.emulator import outputs
from tools.emulator.emulator import Emulator, Running

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_command_waits_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = os.open(tmp_path / "commands.lock", os.O_CREAT | os.O_WRONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    entered = threading.Event()

    def second() -> None:
        with commands.alone("local", tmp_path):
            entered.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not entered.wait(0.3)
    os.close(other)
    assert entered.wait(10)
    thread.join()
    assert "waiting for another command" in capfd.readouterr().err


def test_a_command_in_an_account_waits_for_nobody(tmp_path: Path) -> None:
    with commands.alone("local", tmp_path), commands.alone("dev", tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["commands.lock"]


@pytest.mark.parametrize(
    "error", [DeployError("15 lines of the CDK's output"), UnreachableError("no connection")]
)
def test_a_command_whose_emulator_has_gone_names_the_remedy(
    tmp_path: Path, error: Exception
) -> None:
    with (
        pytest.raises(NotReachableError, match="`make up` starts it again"),
        commands.alone("local", tmp_path),
    ):
        raise error


def test_an_api_that_does_not_answer_is_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_: object) -> None:
        raise UnreachableError("ConnectError from the service")

    monkeypatch.setattr(commands, "account_of", unreachable)
    with pytest.raises(SystemExit, match="ConnectError from the service\n`make status`"):
        commands.main(["enable", "processor-ingest", "--stage", "dev"])


def test_a_command_that_fails_in_a_running_emulator_keeps_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 2, "key"))
    with pytest.raises(DeployError, match="the reason"), commands.alone("local", tmp_path):
        raise DeployError("the reason")


@pytest.mark.parametrize("text", [None, "", "{"], ids=["missing", "empty", "cut off"])
def test_outputs_that_cannot_be_read_name_the_remedy(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "outputs.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(outputs.NotDeployedError, match="run `make up`"):
        outputs.read(path)


def test_a_full_disk_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commands, "Steps", full)
    with pytest.raises(SystemExit, match="the disk is full: free some space"):
        commands.main(["start"])


def test_other_failures_of_the_file_system_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(commands, "Steps", broken)
    with pytest.raises(PermissionError):
        commands.main(["start"])
