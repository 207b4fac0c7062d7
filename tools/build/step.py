"""Run a command as one step: `python -m tools.build.step "name" [--] command...`.

Its output is kept in `.local/logs/` and shown only when it fails, or whole with `VERBOSE=1`. The
end line carries the command's last line when `--tail` is given (a test run's summary).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tools.build.progress import Steps
from tools.paths import LOGS

REMEDIES = (
    (
        r"UnknownIssuer|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER",
        "your network has a certificate authority of its own: export SSL_CERT_FILE and "
        "NODE_EXTRA_CA_CERTS with its file, and repeat",
    ),
    (r"No space left on device", "the disk is full: free some space and repeat"),
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
    tail = arguments[:1] == ["--tail"]
    name, *command = arguments[1:] if tail else arguments
    if command[:1] == ["--"]:
        command = command[1:]
    if os.environ.get("VERBOSE"):
        return subprocess.call(command)
    return _quietly(name, command, tail=tail)


def _quietly(name: str, command: list[str], *, tail: bool) -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.log"
    steps = Steps()
    try:
        with steps.step(name) as step, log.open("w+", encoding="utf-8") as out:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
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
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            steps.say(f"error: {remedy}")
    steps.say(f"error: the step above failed; its output is in {log}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
