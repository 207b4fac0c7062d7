"""No field, name, bound or enum of any published event or route changes without being caught, or
without the checker saying why nobody breaks."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import ROOT

from cv_contracts_checker.compatibility import Side, Verdict, check_api, check_event
from cv_contracts_checker.golden import Folder
from every_mutation import Mutant, of_api, of_schema

FOLDER = Folder(ROOT)
EVENTS = [(name, version) for name in FOLDER.events() for version in FOLDER.schemas(name)]
APIS = [(name, version) for name in FOLDER.services() for version in FOLDER.apis(name)]


def missed(mutant: Mutant, verdict: Verdict) -> str | None:
    """What is wrong with a verdict on a mutant, if anything."""
    if not verdict.changes:
        return f"{mutant.name}: not seen"
    if not all(change.what and change.why for change in verdict.changes):
        return f"{mutant.name}: not explained"
    if mutant.breaks is not None and verdict.compatible == mutant.breaks:
        return f"{mutant.name}: breaks is {mutant.breaks}, the checker says otherwise"
    return None


@pytest.mark.parametrize(("name", "version"), EVENTS)
def test_every_mutation_of_an_event_is_caught_or_explained(name: str, version: str) -> None:
    golden = dict(FOLDER.schemas(name)[version])
    mutants = list(of_schema(golden))
    verdicts = (
        missed(mutant, check_event(name, Side(golden, version), Side(mutant.document, "next")))
        for mutant in mutants
    )
    assert [text for text in verdicts if text] == []
    assert len(mutants) > 30


@pytest.mark.parametrize(("name", "version"), APIS)
def test_every_mutation_of_a_route_is_caught_or_explained(name: str, version: str) -> None:
    golden: dict[str, Any] = dict(FOLDER.apis(name)[version])
    verdicts = (missed(known(one), check_api(name, golden, one.document)) for one in of_api(golden))
    assert [text for text in verdicts if text] == []


def known(mutant: Mutant) -> Mutant:
    """A model may be read, written, or both: which way a change breaks depends on the route."""
    in_a_schema = ": " in mutant.name
    return Mutant(mutant.name, mutant.document, None if in_a_schema else mutant.breaks)
