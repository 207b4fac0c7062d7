"""The processes in which functions run: to kill them, and to borrow their credentials."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tools.deploy.account import Account, embedded
from tools.emulator.watch import PREFIX

PROC = Path("/proc")


@dataclass(frozen=True)
class Worker:
    """A running function. `environment` holds its role's temporary credentials."""

    pid: int
    function: str
    environment: dict[str, str]

    def kill(self) -> None:
        """End it without warning, as a crash does."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it had ended by itself

    def caller(self) -> Account:
        """Somebody with exactly this function's permissions."""
        return embedded(
            self.environment["AWS_ENDPOINT_URL"],
            self.environment["AWS_ACCESS_KEY_ID"],
            self.environment["AWS_SECRET_ACCESS_KEY"],
            self.environment["AWS_SESSION_TOKEN"],
        )


def workers_of(emulator_pid: int, function: str = "") -> list[Worker]:
    """The workers that run below an emulator; of one function (`processor-relay`), or all."""
    found = []
    for process in PROC.glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent != emulator_pid:
                continue
            lines = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        environment = dict(line.split("=", 1) for line in lines if "=" in line)
        name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "").removeprefix(PREFIX)
        if name and function in ("", name):
            found.append(Worker(int(process.name), name, environment))
    return found
