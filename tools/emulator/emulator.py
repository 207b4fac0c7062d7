"""The embedded AWS: one `ministack` process, bound to 127.0.0.1, with IAM enforced.

Its state lives in one directory. It is saved when the process is stopped (never killed), and read
again at the next start. The process inherits nothing of the shell's AWS settings: an
`AWS_ENDPOINT_URL` or a profile of yours would otherwise reach the functions that run inside.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

REGION = "eu-west-2"
ACCOUNT = "000000000000"
DEFAULT_PORT = 4566
START_SECONDS = 60.0
STOP_SECONDS = 60.0
FREE_BYTES = 500 * 1024**2


class EmulatorError(Exception):
    """The embedded AWS can't start or stop; the message names the remedy."""


@dataclass(frozen=True)
class Running:
    """A started emulator, as `emulator.json` records it (mode 0600: it holds credentials)."""

    pid: int
    port: int
    access_key_id: str
    secret_access_key: str

    @property
    def endpoint(self) -> str:
        """Its address. By IP: a name would make SDKs put the bucket's name in front of it."""
        return f"http://127.0.0.1:{self.port}"


class Emulator:
    """The embedded AWS of one state directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.record = home / "emulator.json"
        self.log = home / "logs" / "emulator.log"
        self._child: subprocess.Popen[bytes] | None = None

    def running(self) -> Running | None:
        """What runs on this directory now, or None."""
        known = self._recorded()
        return known if known is not None and _is_emulator(known.pid) else None

    def start(self, port: int | None = None) -> Running:
        """Start it, or return what runs already. Raises `EmulatorError`.

        `port` defaults to the one of the last start, so that addresses stay as they were.
        """
        current = self.running()
        if current is not None:
            if port is not None and port != current.port:
                raise EmulatorError(
                    f"it runs on port {current.port}: `make down`, then `make up PORT={port}`"
                )
            return current
        self._refuse_full_disk()
        self._rewind_streams()
        last = self._recorded()
        chosen = port or (last.port if last else DEFAULT_PORT)
        _refuse_taken(chosen)
        secret = last.secret_access_key if last else secrets.token_urlsafe(30)
        return self._launch(chosen, secret)

    def stop(self) -> bool:
        """Stop it and wait until its state is saved; False if nothing ran."""
        current = self.running()
        if current is None:
            return False
        os.kill(current.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_emulator(current.pid):
            if time.monotonic() > deadline:
                raise EmulatorError(
                    f"process {current.pid} still saves its state after {STOP_SECONDS:.0f} s; "
                    "look at `make logs`, and repeat `make down`"
                )
            time.sleep(0.05)
        if self._child is not None:
            self._child.wait()
        return True

    def forget(self) -> None:
        """Stop it and delete all that it knows."""
        self.stop()
        for name in ("state", "s3", "tmp"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        for path in self.home.glob("*.json"):
            path.unlink()

    def _launch(self, port: int, secret: str) -> Running:
        for folder in ("state", "s3", "tmp", "logs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                env=self._environment(port, secret),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.home,
            )
        self._child = process
        running = Running(process.pid, port, "test", secret)
        self._write(running)
        self._wait_until_healthy(running, process)
        return running

    def _environment(self, port: int, secret: str) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return inherited | {
            "HOME": str(self.home / "tmp"),
            "TMPDIR": str(self.home / "tmp"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            # the administrator whom IAM lets do everything
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": secret,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            # listeners that nobody here uses, on ports that another emulator may hold
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _wait_until_healthy(self, running: Running, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise EmulatorError(f"it ended at once; its log ends: {self._last_log_line()}")
            try:
                if httpx.get(
                    f"{running.endpoint}/_ministack/health", timeout=2, trust_env=False
                ).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise EmulatorError(
            f"no answer on {running.endpoint} for {START_SECONDS:.0f} s: {self.log}"
        )

    def _last_log_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "(empty)"

    def _recorded(self) -> Running | None:
        if not self.record.exists():
            return None
        return Running(**json.loads(self.record.read_text(encoding="utf-8")))

    def _write(self, running: Running) -> None:
        write_private(self.record, json.dumps(asdict(running)))

    def _rewind_streams(self) -> None:
        """Let stream readers begin anew, as the streams do.

        The emulator saves how far each reader got, but not the tables' streams; they start again
        at 0. A reader that waits at its old place would miss everything up to there.
        """
        saved = self.home / "state" / "lambda.json"
        if saved.exists():
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


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text + "\n")
    fresh.replace(path)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmulatorError(
                f"port {port} is taken by another program: stop that, or `make up PORT={port + 1}`"
            ) from error


def _is_emulator(pid: int) -> bool:
    """Whether that process lives and is ours, not a later one with the same number."""
    return "ministack" in _command_line(pid)


def _command_line(pid: int) -> str:
    """A process's command line; empty if there is none, or only its exit code is left."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
