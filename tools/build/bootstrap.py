"""Make `.tools/`: a virtual environment that holds the pinned uv and nothing else.

Runs on whatever `python3` there is, so it keeps to the syntax of Python 3.6: that is how a Python
that is too old gets a sentence instead of a traceback.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
FREE_BYTES = 2 * 1024**3
ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
READY = TOOLS / ".ready"
LOCK = ROOT / "tools" / "build" / "bootstrap.lock"


def complaint() -> str:
    """What is missing on this machine and how to get it; empty when all is there."""
    version = sys.version.split()[0]
    if sys.version_info < MINIMUM:
        return f"Python 3.11 or newer is needed, {sys.executable} is {version}. " + (
            "Install one, or name it: make demo PYTHON=/path/to/python3.12"
        )
    for module in ("venv", "ensurepip"):
        try:
            __import__(module)
        except ImportError:
            return f"{sys.executable} has no module {module}. On Debian and Ubuntu: " + (
                "apt install python3-venv"
            )
    free = shutil.disk_usage(str(ROOT)).free
    if free < FREE_BYTES:
        return f"{ROOT} has {free / 1e9:.1f} GB free, set-up needs 2 GB: free some space and repeat"
    return ""


def install() -> None:
    """Create the environment anew and install uv, its file checked against the locked hash."""
    shutil.rmtree(str(TOOLS), ignore_errors=True)
    subprocess.check_call([sys.executable, "-m", "venv", str(TOOLS)])
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    flags = ["--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    subprocess.check_call([*pip, *flags, "-r", str(LOCK)])


def is_ready() -> bool:
    """Whether another make, for which this one waited, has just installed it."""
    newest = max(path.stat().st_mtime for path in (Path(__file__), LOCK))
    return READY.exists() and READY.stat().st_mtime >= newest


def main() -> None:
    """Check, then install, one at a time; one line on failure."""
    # held until this process ends; a directory, so that no file is left behind
    fcntl.flock(os.open(str(ROOT), os.O_RDONLY), fcntl.LOCK_EX)
    if is_ready():
        return
    reason = complaint()
    if reason:
        sys.exit("error: " + reason)
    try:
        install()
        READY.touch()
    except subprocess.CalledProcessError:
        shutil.rmtree(str(TOOLS), ignore_errors=True)
        sys.exit("error: uv could not be installed, see above; check the network or the proxy")


if __name__ == "__main__":
    main()
