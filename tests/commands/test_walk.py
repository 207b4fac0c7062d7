"""Random commands with kills: no checkout gets stuck. `make soak-commands` walks for longer."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.commands.checkout import copy
from tests.commands.walk import Walk, own_disk
from tools.emulator.emulator import free_port

SEED, COMMANDS = 14, 8


def test_no_order_of_commands_and_kills_leaves_a_checkout_stuck(tmp_path: Path) -> None:
    checkout = copy(tmp_path / "checkout", free_port())
    with own_disk(checkout) as has_own_disk:
        Walk(checkout, random.Random(SEED), has_own_disk).run(COMMANDS)
    shutil.rmtree(checkout.root)
