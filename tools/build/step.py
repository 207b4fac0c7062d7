"""Run a command as one step: `python -m tools.build.step [OPTIONS] NAME COMMAND...`.

A command of one word is a line for the shell. It runs in the folder, and finds the programs of that
folder's environment first. Its output is kept in `.local/logs/` and shown only when it fails, or
whole with `VERBOSE=1`. One step of a name runs at a time: two makes may share a checkout.

--in FOLDER              the folder, from the root
--tail                   put the last line (a test run's summary) at the step's end
--makes FOLDER FILES     a target and what it is made of, from FOLDER: touch the target at the
                         end; do nothing if another make has made it meanwhile
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.build.progress import Steps
from tools.paths import LOGS, ROOT, TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
DISK_IS_FULL = "the disk is full: free some space and repeat"
LOG_BYTES = 1024**2
REMEDIES = (
    (
        r"UnknownIssuer|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER",
        "your network has a certificate authority of its own: export SSL_CERT_FILE and "
        "NODE_EXTRA_CA_CERTS with its file, and repeat",
    ),
    (r"No space left on device", DISK_IS_FULL),
    (
        r"ConnectionError|Could not resolve|dns error|ENOTFOUND|EAI_AGAIN|ECONNREFUSED",
        "the package index could not be reached: check the network or the proxy and repeat",
    ),
    (
        r"hash(es)? (do|did) not match|HashMismatch|Hash mismatch",
        "a package's content is not the locked one: do not use it; ask who changed it",
    ),
    (
        r"GLIBC_|Exec format error",
        "PyPI's Node does not run here: install Node 22 or newer, and make NODE=/usr/bin/node",
    ),
)


def main(arguments: list[str]) -> int:
    """Run the step; returns the command's exit code."""
    folder, tail, files = ROOT, False, list[Path]()
    while arguments[0].startswith("--"):
        option, *arguments = arguments
        if option == "--in":
            folder, *arguments = ROOT / arguments[0], *arguments[1:]
        if option == "--makes":
            files = [ROOT / arguments[0] / name for name in arguments[1].split()]
            arguments = arguments[2:]
        tail = tail or option == "--tail"
    name, *command = arguments
    if len(command) == 1:
        command = ["sh", "-ec", *command]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.log"
    try:
        with alone(log):
            return _once(name, command, folder, log, files, tail=tail)
    except OSError as failure:
        if failure.errno not in DISK_FULL:
            raise
        Steps().say(f"error: {DISK_IS_FULL}")
        return 1


def _once(
    name: str, command: list[str], folder: Path, log: Path, files: list[Path], *, tail: bool
) -> int:
    """Run it, unless its target is made."""
    if files and is_made(files[0], files[1:]):
        return 0
    code = _run(name, command, folder, log, tail=tail)
    if files and not code:
        files[0].touch()
    return code


def is_made(target: Path, sources: list[Path]) -> bool:
    """Make's own rule: a target is made when it is there and not older than its sources."""
    if not target.exists():
        return False
    made = target.stat().st_mtime_ns
    return all(source.exists() and source.stat().st_mtime_ns <= made for source in sources)


@contextmanager
def alone(log: Path) -> Iterator[None]:
    """One step of a name at a time; the next one waits. Ends with the process, however it ends."""
    with log.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(name: str, command: list[str], folder: Path, log: Path, *, tail: bool) -> int:
    programs = [str(folder / ".venv" / "bin"), str(TOOLS / "bin"), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(programs)}
    if os.environ.get("VERBOSE"):
        return subprocess.call(command, cwd=folder, env=environment)
    return _quietly(name, command, folder, environment, log, tail=tail)


def _quietly(
    name: str,
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    log: Path,
    *,
    tail: bool,
) -> int:
    steps = Steps()
    try:
        with steps.step(name) as step, log.open("w+", encoding="utf-8") as out:
            subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=True,
            )
            out.seek(0)
            output = out.read()
            if tail:
                step.note(_last_line(output))
        for notice in re.findall(r"^notice: .*", output, re.MULTILINE):
            steps.say(notice)
    except subprocess.CalledProcessError as failure:
        _explain(steps, log.read_text(encoding="utf-8"), str(log))
        return failure.returncode or 1
    except FileNotFoundError as failure:
        steps.say(f"error: {failure.filename} is not there; `make help` lists what sets it up")
        return 1
    return 0


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip("= ")[:90] if lines else ""


def _explain(steps: Steps, output: str, log: str) -> None:
    steps.say(output.rstrip()[-12_000:])
    if shutil.disk_usage(LOGS).free < LOG_BYTES:  # then the log does not hold the reason
        steps.say(f"error: {DISK_IS_FULL}")
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            steps.say(f"error: {remedy}")
    steps.say(f"error: the step above failed; its output is in {log}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
