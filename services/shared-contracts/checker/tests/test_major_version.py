"""A made-up major version, the whole way: published beside the old one, both consumed, sunset kept.

In version 2 a correlation's `matchScore` is a fraction called `match`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from conftest import ROOT
from pydantic import Field, ValidationError

from cv_contracts._base import ContractModel
from cv_contracts.errors import UnknownVersionError
from cv_contracts.events import PROCESSOR_SOURCE, CorrelationCompleted, Event
from cv_contracts.registry import PUBLICATIONS, Publication
from cv_contracts.upcasting import Upcasting
from cv_contracts_checker.gate import Contracts, Report, check
from cv_contracts_checker.golden import Folder, text

SUNSET = date(2027, 6, 1)


class Match(ContractModel):
    request_id: str
    match: Annotated[float, Field(ge=0, le=1)] | None = None


class CorrelationCompleted2(Event):
    SOURCE: ClassVar[str] = PROCESSOR_SOURCE
    DETAIL_TYPE: ClassVar[str] = "CorrelationCompleted2"
    VERSION: ClassVar[str] = "2.0"

    data: Match


def upcast(old: CorrelationCompleted) -> CorrelationCompleted2:
    score = old.data.match_score
    match = Match(request_id=old.data.request_id, match=None if score is None else score / 100)
    return CorrelationCompleted2.of(match, id=old.id, subject=old.subject, time=old.time)


EDGE = Upcasting(CorrelationCompleted2, {CorrelationCompleted: upcast})


def dual_publish(old: CorrelationCompleted) -> list[dict[str, Any]]:
    """What a producer puts on the bus until the sunset; as EventBridge delivers it."""
    events: tuple[Event, ...] = (old, upcast(old))
    return [
        {"detail-type": one.DETAIL_TYPE, "detail": one.model_dump(mode="json", exclude_none=True)}
        for one in events
    ]


def test_both_majors_are_published_and_both_consumers_get_theirs(completed: dict[str, Any]) -> None:
    delivered = dual_publish(CorrelationCompleted.read(completed))
    old = [one for one in delivered if matches(CorrelationCompleted, one)]
    new = [one for one in delivered if matches(CorrelationCompleted2, one)]
    assert [CorrelationCompleted.from_event(one).data.match_score for one in old] == [57]
    assert [CorrelationCompleted2.from_event(one).data.match for one in new] == [0.57]


def matches(event: type[Event], delivered: dict[str, Any]) -> bool:
    return delivered["detail-type"] in event.event_pattern()["detail-type"]


def test_a_new_consumer_reads_the_old_major_through_its_upcaster(completed: dict[str, Any]) -> None:
    old, new = dual_publish(CorrelationCompleted.read(completed))
    assert EDGE.from_event(old) == EDGE.from_event(new)


def test_the_consumers_rules_admit_both_majors() -> None:
    names = [pattern["detail-type"][0] for pattern in EDGE.patterns()]
    assert names == ["CorrelationCompleted2", "CorrelationCompleted"]


def test_an_event_that_nobody_can_upcast_is_an_error(completed: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersionError):
        EDGE.from_event({"detail-type": "CorrelationCompleted0", "detail": completed})
    stuck = Upcasting(CorrelationCompleted2, {CorrelationCompleted: lambda old: old})
    incomplete = {"detail-type": "CorrelationCompleted", "detail": {**completed, "data": {}}}
    with pytest.raises(ValidationError):
        stuck.from_event(incomplete)


def test_an_old_reader_refuses_the_new_major(completed: dict[str, Any]) -> None:
    _, new = dual_publish(CorrelationCompleted.read(completed))
    with pytest.raises(ValidationError):
        CorrelationCompleted.from_event(new)


# The gate keeps the way: both until the sunset, then only the new one.

OLD = next(one for one in PUBLICATIONS if one.event is CorrelationCompleted)
OTHERS = tuple(one for one in PUBLICATIONS if one is not OLD)
NEW = replace(OLD, event=CorrelationCompleted2, replaces="CorrelationCompleted")


@pytest.fixture
def folder(tmp_path: Path, completed: dict[str, Any]) -> Folder:
    for kind in ("schemas", "samples"):
        shutil.copytree(ROOT / kind, tmp_path / kind)
    copy = Folder(tmp_path)
    copy.write_release("1.0.0", "2026-01-01")
    copy.write_schema(CorrelationCompleted2)
    sample = tmp_path / "samples/CorrelationCompleted2/2.0/complete.json"
    sample.parent.mkdir(parents=True)
    new = upcast(CorrelationCompleted.read(completed))
    sample.write_text(text(new.model_dump(mode="json", exclude_none=True)))
    return copy


def gate(
    folder: Folder, *publications: Publication, today: date, retired: dict[str, date] | None = None
) -> Report:
    contracts = Contracts("2.0.0", (*OTHERS, *publications), retired or {})
    return check(folder, contracts, today)


def texts(report: Report) -> list[str]:
    return [f"{problem.subject} {problem.text}" for problem in report.problems]


def test_until_the_sunset_both_are_published(folder: Folder) -> None:
    before = SUNSET - timedelta(days=1)
    assert gate(folder, replace(OLD, sunset=SUNSET), NEW, today=before).passed


def test_a_replacement_needs_a_sunset_date(folder: Folder) -> None:
    report = gate(folder, OLD, NEW, today=SUNSET)
    assert texts(report) == [
        "CorrelationCompleted CorrelationCompleted2 replaces it; set its sunset date"
    ]


def test_the_old_major_may_not_go_early(folder: Folder) -> None:
    early = SUNSET - timedelta(days=1)
    report = gate(folder, NEW, today=early, retired={"CorrelationCompleted": SUNSET})
    assert any("no longer published before its sunset" in one for one in texts(report))


def test_the_old_major_may_not_outlive_its_sunset(folder: Folder) -> None:
    report = gate(folder, replace(OLD, sunset=SUNSET), NEW, today=SUNSET)
    assert texts(report) == ["CorrelationCompleted its sunset was 2027-06-01; retire it"]


def test_after_the_sunset_the_new_major_stands_alone(folder: Folder) -> None:
    retired = {"CorrelationCompleted": SUNSET}
    assert gate(folder, NEW, today=SUNSET, retired=retired).passed
