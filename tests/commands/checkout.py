"""A checkout to run `make` in: a copy of this one, with what it built, and its own state."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.paths import ROOT

SHARED: Final = (
    ".tools",
    "tools/.venv",
    "tools/node_modules",
    "infra/.venv",
    "infra/node_modules",
    *(f"services/{name}/.venv" for name in ("processor", "reporter", "shared-contracts")),
)
BUILT: Final = ("dist/cdk/local", "dist/bundles/processor-local", "dist/bundles/reporter-local")
STUCK_SECONDS: Final = 300.0
GONE: Final = -signal.SIGKILL
_REMEDY: Final = re.compile(r"^error: .*(`make [a-z]+`|free some space)", re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    """A command that has ended; `code` is `GONE` when it was killed."""

    command: str
    code: int
    output: str

    @property
    def is_explained(self) -> bool:
        """Whether it succeeded, or says in one line what is wrong."""
        if "Traceback" in self.output:
            return False
        return self.code in (0, GONE) or _REMEDY.search(self.output) is not None


@dataclass(frozen=True)
class Started:
    """A command that runs, in a session of its own."""

    command: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it and all that it started, without warning. The emulator has its own session."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> Ended:
        """Wait for it. Raises `AssertionError` when it does not end."""
        try:
            output, _ = self.process.communicate(timeout=STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            output, _ = self.process.communicate()
            raise AssertionError(f"`{self.command}` is stuck:\n{output}") from None
        return Ended(self.command, self.process.returncode, output)

    def killed_after(self, seconds: float) -> Ended:
        """What it is after that time: ended, or killed."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process.poll() is None:
            self.kill()
        return self.end()


@dataclass(frozen=True)
class Checkout:
    """Sources, shared environments, and the state of an embedded AWS at a port."""

    root: Path
    port: int

    @property
    def home(self) -> Path:
        """The folder of its embedded AWS."""
        return self.root / ".local"

    def make(self, target: str) -> Started:
        """Start `make <target>`."""
        ours = {name: value for name, value in os.environ.items() if name[:4] != "MAKE"}
        process = subprocess.Popen(
            ["make", target],
            cwd=self.root,
            env={**ours, "PORT": str(self.port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Started(f"make {target}", process)


def copy(into: Path, port: int) -> Checkout:
    """A copy of this checkout, in which nothing needs to be built."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in done.stdout.splitlines():
        if (ROOT / name).is_file():  # not one that was deleted and not yet committed
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)
    for name in SHARED:
        (into / name).symlink_to(ROOT / name)
    for name in BUILT:
        shutil.copytree(ROOT / name, into / name, symlinks=True)
    for stamp in (ROOT / "dist" / "bundles").glob("*-local.stamp"):
        shutil.copy2(stamp, into / "dist" / "bundles" / stamp.name)
    return Checkout(into, port)
