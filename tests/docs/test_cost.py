"""docs/cost.md says what is counted now."""

from __future__ import annotations

import subprocess

from tools.paths import ROOT, SERVICES


def test_the_page_is_what_counting_gives() -> None:
    """By `make cost`; the calls are counted at the Processor's own clients, in its environment."""
    command = [str(SERVICES / "processor/.venv/bin/python"), "-m", "benchmarks.processor.cost"]
    counted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert counted == (ROOT / "docs/cost.md").read_text(), "run `make cost`"
