from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.purity.checkout import ROOT
from tests.purity.criteria import CRITERIA, Criterion, Evidence

if TYPE_CHECKING:
    from pathlib import Path

# `make purity` shows these two, which build and synthesise everything anew.
SLOW = {"built"}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return Evidence(tmp_path_factory.mktemp("purity"))


@pytest.mark.parametrize(
    "criterion", [c for c in CRITERIA if c.name not in SLOW], ids=lambda criterion: criterion.name
)
def test_each_service_is_independently(criterion: Criterion, evidence: Evidence) -> None:
    assert criterion.proves(evidence)


def test_there_are_nine_criteria() -> None:
    assert len(CRITERIA) == 9


def test_the_copies_lack_the_other_service(evidence: Evidence) -> None:
    alone: Path = evidence.alone("processor")
    assert (alone / "services" / "processor").is_dir()
    assert not (alone / "services" / "reporter").exists()
    assert (ROOT / "services" / "reporter").is_dir()
