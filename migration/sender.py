"""The sender's process: started once, it asks questions until it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from migration import place
from migration.before.names import INGEST_QUEUE
from migration.kit.traffic import Sender
from migration.phases.context import Context
from tools.paths import ROOT

COMMAND: Final = ("-m", "migration", "traffic")
STOP_SECONDS: Final = 10.0


def start(context: Context) -> None:
    """Start it, unless it runs."""
    if running(context.home) is not None:
        return
    with (context.home / "sender.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *COMMAND],
            cwd=ROOT,
            env={**os.environ, "MIGRATION_HOME": str(context.home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _record(context.home).write_text(str(process.pid), "utf-8")


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
