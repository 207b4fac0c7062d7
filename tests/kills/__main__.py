"""The long soak: `python -m tests.kills`; KILLS=, PAIRS= and SEED= set it, and it resumes."""

from __future__ import annotations

import os
import shutil
from datetime import datetime

from tests.kills.soak import compare
from tools.paths import HOME, shown


def main() -> None:
    """Soak, and print what was done."""
    kills, pairs = (int(os.environ.get(name) or 0) for name in ("KILLS", "PAIRS"))
    seed = os.environ.get("SEED") or "1"
    folder = HOME / f"soak-{seed}"
    _say(f"KILLS={kills or 1_000} PAIRS={pairs or 5_000} SEED={seed}, in {shown(folder)}")
    progress = compare(folder, pairs or 5_000, kills or 1_000, seed, _say)
    _say(f"every pair is accounted for, both services agree; {progress.resent} were sent again")
    for name, count in sorted(progress.killed.items()):
        _say(f"{count:4} kills of {name}")
    shutil.rmtree(folder)


def _say(line: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    main()
