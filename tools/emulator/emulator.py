"""The embedded AWS: one `ministack` process, bound to 127.0.0.1, with IAM enforced.

Its state lives in one directory, which only its owner may enter. It is saved every few seconds and
when the process is stopped, and read again at the next start. The process inherits nothing of the
shell's AWS settings: an `AWS_ENDPOINT_URL` or a profile of yours would otherwise reach the
functions that run inside.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import httpx

from tools.emulator.administrator import read_key, write_private
from tools.emulator.checkpoints import Checkpoints
from tools.emulator.guard import HEALTH
from tools.paths import ROOT

SERVER = "tools.emulator.server"
RECORD = "emulator.json"
ADMINISTRATOR = "administrator.json"
REGION = "eu-west-2"
ACCOUNT = "000000000000"
DEFAULT_PORT = 4566
SAVE_SECONDS = 3.0
# For an emulator that nobody kills: it answers nothing while it is saved.
SAVE_RARELY = 60.0
START_SECONDS = 60.0
STOP_SECONDS = 60.0
RELEASE_SECONDS = 3.0
FREE_BYTES = 500 * 1024**2


class EmulatorError(Exception):
    """The embedded AWS can't start or stop; the message names the remedy."""


class StateNotSavedError(EmulatorError):
    """It stopped, and its last changes are lost."""


@dataclass(frozen=True)
class Running:
    """A started emulator and its administrator's key."""

    pid: int
    port: int
    control_key: str = field(repr=False)
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)

    @property
    def endpoint(self) -> str:
        """Its address. By IP: a name would make SDKs put the bucket's name in front of it."""
        return f"http://127.0.0.1:{self.port}"


class Emulator:
    """The embedded AWS of one state directory, saved every `save_seconds` while it runs.

    Nothing is answered while it is saved, and that takes longer the more it holds: a second for
    3 MB of rows.
    """

    def __init__(self, home: Path, save_seconds: float = SAVE_SECONDS) -> None:
        self.home = home
        self.save_seconds = save_seconds
        self.record = home / RECORD
        self.log = home / "logs" / "emulator.log"
        self.checkpoints = Checkpoints(home)
        self._child: subprocess.Popen[bytes] | None = None

    def running(self) -> Running | None:
        """What runs on this directory now, or None."""
        known = self._recorded()
        return known if known is not None and _is_emulator(known.pid) else None

    def start(self, port: int | None = None) -> Running:
        """Start it, or return what runs already. Raises `EmulatorError`.

        `port` defaults to the one of the last start, so that addresses stay as they were. What was
        not saved before a kill is gone: it starts from the newest whole copy of its state.
        """
        with self._alone():
            current = self.running()
            if current is not None:
                if port is not None and port != current.port:
                    raise EmulatorError(
                        f"it runs on port {current.port}: `make down`, then `make up PORT={port}`"
                    )
                # whoever started it may have been killed before it answered
                return self._healthy(current.port, current.pid)
            self._clear()
            self._refuse_full_disk()
            last = self._recorded()
            chosen = port or (last.port if last else DEFAULT_PORT)
            _refuse_taken(chosen)
            self.checkpoints.restore()
            self._rewind_streams()
            return self._launch(chosen)

    def stop(self) -> bool:
        """Stop it and wait until its state is saved; False if nothing ran.

        Raises `EmulatorError` when it does not end, or could not save its state.
        """
        with self._alone():
            return self._stop()

    def forget(self) -> None:
        """Stop it and delete all that it knows."""
        with self._alone():
            with contextlib.suppress(StateNotSavedError):
                self._stop()
            self.checkpoints.forget()
            self._clear()
            for path in self.home.glob("*.json"):
                path.unlink()

    def _clear(self) -> None:
        """Delete the unpacked functions of one that ended: 50 MB each, and a kill leaves them."""
        shutil.rmtree(self.home / "tmp", ignore_errors=True)

    def _stop(self) -> bool:
        current = self.running()
        if current is None:
            self._reap()
            return False
        saved_before = self.checkpoints.latest
        os.kill(current.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_emulator(current.pid):
            if time.monotonic() > deadline:
                raise EmulatorError(
                    f"process {current.pid} still saves its state after {STOP_SECONDS:.0f} s; "
                    "look at `make logs`, and repeat `make down`"
                )
            time.sleep(0.05)
        self._reap()
        if self.checkpoints.latest == saved_before:
            raise StateNotSavedError(
                "it is stopped, but its last changes could not be saved: free some space, if the "
                "disk is full; `make up` goes back to its last whole copy. Its log: "
                f"{self.log}"
            )
        return True

    def _reap(self) -> None:
        """Take leave of a process that this object started and that has ended."""
        if self._child is not None:
            self._child.wait()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One start, stop or forget at a time; the next one waits."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.chmod(0o700)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _launch(self, port: int) -> Running:
        for folder in ("state", "s3", "tmp", "logs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self._reap()  # one that was killed, or start() would have returned it
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", SERVER],
                env=self._environment(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.home,
            )
        self._child = process
        return self._healthy(port, process.pid)

    def _healthy(self, port: int, pid: int) -> Running:
        """What runs, once it answers: only then its record is whole."""
        self._wait_until_healthy(f"http://127.0.0.1:{port}", pid)
        running = self.running()
        if running is None:
            raise self._ended_at_once()
        return running

    def _environment(self, port: int) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return inherited | {
            "HOME": str(self.home / "tmp"),
            "TMPDIR": str(self.home / "tmp"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            # of the root user, whose signatures are not verified: see `administrator.py`
            "AWS_ACCESS_KEY_ID": secrets.token_hex(16),
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "CV_EMULATOR_HOME": str(self.home),
            "CV_EMULATOR_SAVE_SECONDS": str(self.save_seconds),
            "PYTHONPATH": str(ROOT),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            # listeners that nobody here uses, on ports that another emulator may hold
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _wait_until_healthy(self, endpoint: str, pid: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._has_ended(pid):
                raise self._ended_at_once()
            try:
                if httpx.get(f"{endpoint}{HEALTH}", timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # or it would hold the port of the next one
        self._reap()
        raise EmulatorError(
            f"no answer on {endpoint} for {START_SECONDS:.0f} s: repeat `make up` when the machine "
            f"has less to do; if that does not help, see {self.log}"
        )

    def _has_ended(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is not None
        return not _is_emulator(pid)

    def _ended_at_once(self) -> EmulatorError:
        last = self._last_log_line()
        return EmulatorError(
            f"it ended at once: repeat `make up`; if that does not help, see {self.log}, which "
            f"ends: {last}"
        )

    def _last_log_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "(empty)"

    def _recorded(self) -> Running | None:
        """What its process wrote when it started; `None` if that is not there, or no record."""
        try:
            known = Running(**json.loads(self.record.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        key = read_key(self.home / ADMINISTRATOR)
        return replace(known, **asdict(key)) if key else known

    def _rewind_streams(self) -> None:
        """Let stream readers begin anew, as the streams do.

        The emulator saves how far each reader got, but not the tables' streams; they start again
        at 0. A reader that waits at its old place would miss everything up to there.
        """
        saved = self.home / "state" / "lambda.json"
        with contextlib.suppress(FileNotFoundError):
            state = json.loads(saved.read_text(encoding="utf-8"))
            if state["payload"].pop("dynamodb_stream_positions", None) is not None:
                write_private(saved, json.dumps(state))

    def _refuse_full_disk(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.home).free
        if free < FREE_BYTES:
            raise EmulatorError(
                f"{self.home} has {free / 1e6:.0f} MB free, 500 MB are needed: free some space"
            )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse_taken(port: int) -> None:
    """Raises `EmulatorError`. A process that was just killed may hold its port a little longer."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while not _is_free(port):
        if time.monotonic() > deadline:
            raise EmulatorError(
                f"port {port} is taken by another program: stop that, or `make up PORT={port + 1}`"
            )
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_emulator(pid: int) -> bool:
    """Whether that process lives and is ours, not a later one with the same number."""
    return SERVER in _command_line(pid)


def _command_line(pid: int) -> str:
    """A process's command line; empty if there is none, or only its exit code is left."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
