from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from os import environ, getpid
from typing import Any

import pytest

from migration.kit.faults import NAME, denied, kill, killing, workers


class Function:
    """A process that looks like a running function; a new one starts when it was killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        code = "import time; time.sleep(60)"
        found = subprocess.Popen([sys.executable, "-c", code], env={**environ, NAME: self.name})
        deadline = time.monotonic() + 10
        while found.pid not in workers(getpid()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def again(self) -> None:
        """Start it anew if it was killed."""
        if self.process.poll() is not None:
            self.process = self._started()


@pytest.fixture
def function() -> Iterator[Function]:
    found = Function("ingest")
    yield found
    found.process.kill()
    found.process.wait()


def test_a_function_that_runs_is_killed(function: Function) -> None:
    assert kill(getpid()) == {"ingest": 1}
    assert function.process.wait(10) == -9


def test_a_spared_function_goes_on(function: Function) -> None:
    assert kill(getpid(), frozenset({"ingest"})) == {}
    assert function.process.poll() is None


def test_another_processes_children_are_not_functions(function: Function) -> None:
    assert workers(1) == {}


def test_each_function_is_killed_so_often_and_then_left_alone(function: Function) -> None:
    with killing(getpid(), each=2, every=0.3) as killed:
        deadline = time.monotonic() + 20
        while killed["ingest"] < 2 and time.monotonic() < deadline:
            function.again()
        time.sleep(1)  # a kill is counted after it, so another one may have been started
        function.again()
        time.sleep(0.7)
    assert killed == {"ingest": 2}
    assert function.process.poll() is None


class Iam:
    def __init__(self) -> None:
        self.policies: dict[str, str] = {}

    def put_role_policy(self, **request: Any) -> None:
        self.policies[request["RoleName"]] = request["PolicyDocument"]

    def delete_role_policy(self, **request: Any) -> None:
        del self.policies[request["RoleName"]]


def test_a_role_is_denied_a_table_only_while_the_body_runs() -> None:
    iam = Iam()
    with pytest.raises(KeyError), denied(iam, "ingest", "arn:table"):
        assert '"Deny"' in iam.policies["ingest"]
        raise KeyError
    assert iam.policies == {}
