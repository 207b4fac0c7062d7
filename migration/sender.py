"""The sender's process: started once, it asks questions until it is stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from migration import place
from migration.before.names import INGEST_QUEUE
from migration.kit.traffic import Sender
from migration.phases.context import Context

COMMAND: Final = ("-m", "migration", "traffic")
STOP_SECONDS: Final = 10.0


def start(context: Context) -> None:
    """Start it, unless it runs."""
    if running(context.home) is not None:
        return
    log = str(context.home / "sender.log")
    paths = {"MIGRATION_HOME": str(context.home), "PYTHONPATH": os.pathsep.join(sys.path)}
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *COMMAND],
        {**os.environ, **paths},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # it outlives the command that starts it
    )
    _record(context.home).write_text(str(pid), "utf-8")


def running(home: Path) -> int | None:
    """Its process, if it lives."""
    try:
        pid = int(_record(home).read_text("utf-8"))
        words = Path(f"/proc/{pid}/cmdline").read_text("utf-8").split("\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if COMMAND[-1] in words else None


def stop(home: Path) -> bool:
    """Stop it; says whether it ran."""
    pid = running(home)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running(home) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return True


def serve(context: Context, per_second: float) -> None:
    """Be the sender, until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    sqs = context.account.client("sqs")
    Sender(
        sqs,
        sqs.get_queue_url(QueueName=INGEST_QUEUE)["QueueUrl"],
        context.journal,
        context.errors,
        per_second,
        lambda: bool(stopped),
    ).run()


def _record(home: Path) -> Path:
    return home / "sender.pid"


def here() -> Context:
    """The rehearsal that runs. Raises `NotStartedError`."""
    return Context(place.account(), place.home())
