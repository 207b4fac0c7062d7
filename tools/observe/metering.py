"""The process of the meter: one for each embedded AWS, started by `make up`.

`python -m tools.observe.metering`; `CV_EMULATOR_HOME` names the folder of the embedded AWS. It goes
on when that is restarted, and ends when that has been gone for a minute.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Final

from tools.deploy.account import Account, administrator
from tools.emulator.emulator import Emulator, Running
from tools.observe.meter import Meter
from tools.paths import ROOT

MODULE: Final = "tools.observe.metering"
TICK_SECONDS: Final = 5.0
GONE_SECONDS: Final = 60.0
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0


@dataclass
class MeterProcess:
    """The meter of the embedded AWS in a folder. Who meters holds a lock on a file with its id."""

    home: Path
    _child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Its log; there is nothing in it as long as all goes well."""
        return self.home / "logs" / "meter.log"

    @property
    def _lock(self) -> Path:
        return self.home / "meter.lock"

    def running(self) -> int | None:
        """The id of the process; `None` if none runs."""
        try:
            with self._lock.open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            written = self._lock.read_text("utf-8").strip()
            return int(written) if written else None
        return None

    def start(self) -> int:
        """Start it, unless it runs; returns the id of the process. Raises `TimeoutError`."""
        if known := self.running():
            return known
        self._reap()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", MODULE],
                env=inherited | {"CV_EMULATOR_HOME": str(self.home), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.home,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if known := self.running():
                return known
            time.sleep(0.05)
        raise TimeoutError(f"the meter did not start: {self.log}")

    def stop(self) -> bool:
        """End it; `False` if none ran."""
        pid = self.running()
        if pid is None:
            self._reap()
            return False
        deadline = time.monotonic() + STOP_SECONDS
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while self.running() == pid and time.monotonic() < deadline:
                time.sleep(0.05)
            if self.running() == pid:
                os.kill(pid, signal.SIGKILL)
        self._reap()
        return True

    def _reap(self) -> None:
        """Wait for a process that this object started and that has ended."""
        if self._child is not None and self.running() != self._child.pid:
            self._child.wait()
            self._child = None

    def take(self) -> IO[str] | None:
        """The lock, with this process's id in it; `None` if another holds it."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._lock.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock


@dataclass
class Loop:
    """Meters whatever runs in the folder, again and again."""

    home: Path
    _current: Running | None = None
    _account: Account | None = None
    _meter: Meter | None = None
    _seen_at: float = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set, or the embedded AWS has been gone for a minute."""
        self._seen_at = time.monotonic()
        while time.monotonic() - self._seen_at < GONE_SECONDS:
            self._once()
            if stop.wait(TICK_SECONDS):
                return

    def _once(self) -> None:
        running = Emulator(self.home).running()
        if running is None:
            return
        self._seen_at = time.monotonic()
        try:
            self._of(running).tick()
        except Exception as error:  # noqa: BLE001 (it may be starting, stopping, or deploying)
            # No message: it may hold what a queue or a log holds.
            print(
                f"{time.strftime('%H:%M:%S')} {type(error).__name__} {place_of(error)}", flush=True
            )
            self._current = None

    def _of(self, running: Running) -> Meter:
        """The meter of this process; after a restart, of the new one."""
        if self._meter is None or running != self._current:
            if self._account is not None:
                self._account.close()
            self._account = administrator(running)
            self._meter = Meter(self._account, self.home / "meter.json")
            self._current = running
        return self._meter


def place_of(error: BaseException) -> str:
    """File and line of the innermost frame of our own."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(str(ROOT / "tools" / "observe")):
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def main() -> None:
    """Meter until SIGTERM; at once the end if another process does."""
    os.umask(0o077)
    home = Path(os.environ["CV_EMULATOR_HOME"])
    lock = MeterProcess(home).take()
    if lock is None:
        return
    stop = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with lock:
        Loop(home).run(stop)


if __name__ == "__main__":
    main()
