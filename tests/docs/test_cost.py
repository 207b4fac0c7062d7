"""What docs/cost.md is computed from is what counting gives now; `infra` tests the page itself."""

from __future__ import annotations

import subprocess

import pytest

from tools.paths import ROOT, SERVICES


@pytest.mark.parametrize("service", ["processor", "reporter"])
def test_the_counts_are_those_of_the_handlers(service: str) -> None:
    python = SERVICES / service / ".venv/bin/python"
    command = [str(python), "-m", f"benchmarks.{service}.usage"]
    counted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = (ROOT / f"benchmarks/counted/{service}.json").read_text("utf-8")
    assert counted == kept, "run `make cost`"
