"""Faults while a phase runs: functions killed in the middle of their work, a table denied."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PROC: Final = Path("/proc")
NAME: Final = "AWS_LAMBDA_FUNCTION_NAME"
EVERY_SECONDS: Final = 1.5
KILLS_EACH: Final = 3
DENIAL: Final = "denied-by-rehearsal"


def workers(emulator_pid: int) -> dict[int, str]:
    """The functions that run below an emulator: process → function."""
    found = {}
    for process in PROC.glob("[0-9]*"):
        name = _function(process, emulator_pid)
        if name:
            found[int(process.name)] = name
    return found


def _function(process: Path, emulator_pid: int) -> str:
    """The function that a process runs; empty if it runs none, or has ended."""
    try:
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        if parent != emulator_pid:
            return ""
        lines = (process / "environ").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    return variables.get(NAME, "")


def kill(emulator_pid: int, spared: frozenset[str] = frozenset()) -> Counter[str]:
    """End every function that runs now, but for the spared; returns how many of each."""
    killed: Counter[str] = Counter()
    for pid, name in workers(emulator_pid).items():
        if name in spared:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it had ended by itself
        killed[name] += 1
    return killed


@contextmanager
def killing(
    emulator_pid: int, each: int = KILLS_EACH, every: float = EVERY_SECONDS
) -> Iterator[Counter[str]]:
    """Kill all functions every few seconds while the body runs; the counter says how many.

    Each so many times, and fewer than the five receives after which a message is a dead letter: a
    function that is killed for ever, faster than it starts, does no work at all.
    """
    killed: Counter[str] = Counter()
    done = threading.Event()

    def work() -> None:
        while True:
            done_with = frozenset(name for name, times in killed.items() if times >= each)
            killed.update(kill(emulator_pid, done_with))
            if done.wait(every):
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


@contextmanager
def denied(iam: Any, role: str, table_arn: str) -> Iterator[None]:
    """A role is refused one table while the body runs."""
    statement = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": table_arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=role, PolicyName=DENIAL, PolicyDocument=json.dumps(policy))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=DENIAL)
