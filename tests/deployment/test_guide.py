"""The commands of docs/deploy.md, one after the other, from an empty account and back to one.

The account is an embedded AWS. What make would run of a command is run here, in its order.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tools import __main__ as program
from tools.build.synth import synthesise
from tools.deploy.account import Account, administrator
from tools.emulator import outputs
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port
from tools.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
COMMANDS = [
    line.split("#")[0].split()
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    for line in block.splitlines()
]
RUN = re.compile(r"-m tools (?!build)(.*)$", re.MULTILINE)
# What a person types when a command asks for a name.
TYPED = {
    "destroy": ("cv-analytics-{}-local\n", "cv-analytics-reporter-links-local\n"),
    "remove-data": ("{}-local\n", ""),
    "remove-account": ("account-local\n", ""),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    emulator = Emulator(tmp_path_factory.mktemp("guide"), SAVE_RARELY)
    try:
        yield administrator(emulator.start(free_port()))
    finally:
        emulator.stop()


def programs(command: list[str]) -> list[list[str]]:
    """What make would run of a command, with the embedded AWS as its stage."""
    local = [re.sub(r"^STAGE=.*", "STAGE=local", word) for word in shlex.split(" ".join(command))]
    done = subprocess.run(
        [*local, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [shlex.split(found) for found in RUN.findall(done.stdout)]


def answer(arguments: list[str]) -> str:
    own, links = TYPED.get(arguments[0], ("", ""))
    unit = arguments[-1]
    return (links if unit == "reporter" else "") + own.format(unit)


def run(arguments: list[str], account: Account, monkeypatch: pytest.MonkeyPatch, home: Any) -> str:
    monkeypatch.setattr(program, "account_of", lambda *_: account)
    monkeypatch.setattr(outputs, "write", lambda *_: None)
    monkeypatch.setattr("os.execve", _run_beside)  # the operators' commands take the process over
    done = CliRunner().invoke(program.app, arguments, input=answer(arguments))
    assert done.exit_code == 0, f"{arguments}: {done.output} {done.exception!r}"
    return str(done.output)


def _run_beside(_path: str, arguments: list[str], environment: dict[str, str]) -> None:
    subprocess.run(arguments, env=environment, check=True)


def test_the_guide_has_at_most_ten_commands_each_with_its_line() -> None:
    block = GUIDE.split("```sh\n")[1].split("```")[0].splitlines()
    assert len(block) <= 10
    assert all(len(line.split("#")[1]) > 10 for line in block)


def test_the_commands_lead_there_and_back(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    synthesise("github", "local")
    ran: list[str] = []
    github = [command for command in COMMANDS if "deploy-github" in command]
    order = COMMANDS[:7] + github + COMMANDS[7:10]
    for command in order:
        for arguments in programs(command):
            if arguments[0] == "start":
                continue
            started = time.monotonic()
            output = run(arguments, account, monkeypatch, tmp_path)
            ran.append(arguments[0])
            if arguments[0] == "preflight":
                assert time.monotonic() - started < 10
                assert "✗" not in output
    assert len(order) == len(COMMANDS)
    assert [mail["Subject"] for mail in account.mails()]
    names = {"bootstrap", "deploy-sender", "preflight", "deploy", "smoke", "ops", "destroy"}
    assert names | {"deploy-github", "remove-data", "remove-account"} == set(ran)
    left = account.client("cloudformation").list_stacks()["StackSummaries"]
    assert [stack["StackName"] for stack in left if stack["StackStatus"] != "DELETE_COMPLETE"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []
    keys = account.client("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}]
    )
    assert keys["Parameters"] == []
