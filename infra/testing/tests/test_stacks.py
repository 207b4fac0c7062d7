"""Which stacks a test run is about."""

from __future__ import annotations

import sys

import pytest

from cdk_constructs.stack import REPOSITORY
from testing.stacks import builders

every = builders.__wrapped__  # without what other tests have read


@pytest.mark.parametrize("unit", ["contracts", "processor"])
def test_a_broken_stack_of_another_unit_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    if not (REPOSITORY / "infra" / unit).is_dir():
        pytest.skip(f"this checkout lacks {unit}")
    monkeypatch.setitem(sys.modules, "reporter.stack", None)
    monkeypatch.setenv("UNIT", unit)
    assert set(every()) == {unit}


def test_without_a_unit_a_broken_stack_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (REPOSITORY / "infra/reporter").is_dir():
        pytest.skip("this checkout lacks the Reporter")
    monkeypatch.setitem(sys.modules, "reporter.stack", None)
    monkeypatch.delenv("UNIT", raising=False)
    with pytest.raises(ImportError):
        every()
