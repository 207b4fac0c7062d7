"""The senders' processes: started once, they ask questions until they are stopped."""

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
INDEPENDENT: Final = Path(__file__).parent / "independent.py"
STOP_SECONDS: Final = 10.0


def start(context: Context) -> None:
    """Start both, unless they run: the one with the journal, and one that knows nothing of it."""
    if running(context.home) is None:
        paths = {"MIGRATION_HOME": str(context.home), "PYTHONPATH": os.pathsep.join(sys.path)}
        _spawn(context.home, "sender", [*COMMAND], {**os.environ, **paths})
    if _running(context.home, "independent", INDEPENDENT.name) is None:
        url = context.account.client("sqs").get_queue_url(QueueName=INGEST_QUEUE)["QueueUrl"]
        words = [str(INDEPENDENT), url, str(context.home / "independent.jsonl")]
        _spawn(context.home, "independent", words, dict(context.account.environment))


def _spawn(home: Path, name: str, words: list[str], environment: dict[str, str]) -> None:
    log = str(home / f"{name}.log")
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *words],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # it outlives the command that starts it
    )
    _record(home, name).write_text(str(pid), "utf-8")


def running(home: Path) -> int | None:
    """The process of the sender with the journal, if it lives."""
    return _running(home, "sender", COMMAND[-1])


def _running(home: Path, name: str, word: str) -> int | None:
    try:
        pid = int(_record(home, name).read_text("utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if word in command else None


def stop(home: Path) -> bool:
    """Stop both; says whether the one with the journal ran."""
    was_running = running(home) is not None
    for name, word in (("sender", COMMAND[-1]), ("independent", INDEPENDENT.name)):
        pid = _running(home, name, word)
        if pid is None:
            continue
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _running(home, name, word) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
    return was_running


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


def _record(home: Path, name: str) -> Path:
    return home / f"{name}.pid"


def here() -> Context:
    """The rehearsal that runs. Raises `NotStartedError`."""
    return Context(place.account(), place.home())
