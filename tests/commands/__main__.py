"""The long walk: `python -m tests.commands`; SEED= repeats one, COMMANDS= sets its length."""

from __future__ import annotations

import os
import random
import secrets
import tempfile
from pathlib import Path

from tests.commands.checkout import copy
from tests.commands.walk import Walk, own_disk
from tools.emulator.emulator import free_port


def main() -> None:
    """Walk, and print what was done."""
    seed = os.environ.get("SEED") or secrets.token_hex(4)
    commands = int(os.environ.get("COMMANDS") or 200)
    print(f"SEED={seed} COMMANDS={commands}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        checkout = copy(Path(folder) / "checkout", free_port())
        with own_disk(checkout) as has_own_disk:
            if not has_own_disk:
                print("no full disks: this user may not mount one")
            walk = Walk(checkout, random.Random(seed), has_own_disk, _say)
            walk.run(commands)
    print(f"no checkout got stuck; {walk.lost} items were acknowledged just before a kill")
    for name, count in sorted(walk.done.items()):
        print(f"{count:4} {name}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
