"""A short soak; `make soak-kills` has 1,000 kills."""

from __future__ import annotations

from pathlib import Path

from tests.kills.soak import compare

PAIRS, KILLS, SEED = 40, 15, "14"


def test_after_kills_and_the_recovery_all_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    progress = compare(tmp_path, PAIRS, KILLS, SEED, print)
    assert progress.killed.total() == KILLS
