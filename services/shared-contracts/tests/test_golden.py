"""The published files: golden, immutable, and read for ever; and the gate that says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jsonschema
import pytest
from pydantic import Field

from conftest import ROOT
from cv_contracts.chatbot import QuestionAsked
from cv_contracts.compatibility import Level
from cv_contracts.events import CorrelationCompleted, ReportPublication, ReportPublished
from cv_contracts.gate import Contracts, Report, check
from cv_contracts.golden import Folder, event_schema
from cv_contracts.registry import PUBLICATIONS, Publication

TODAY = date(2026, 1, 1)
SAMPLES = sorted((ROOT / "samples").rglob("*.json"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A copy of the published files, released as 1.0.0."""
    for kind in ("schemas", "samples", "openapi"):
        shutil.copytree(ROOT / kind, tmp_path / kind)
    copy = Folder(tmp_path)
    copy.write_release("1.0.0", "2026-01-01")
    return copy


def with_event(name: str, **changes: Any) -> tuple[Publication, ...]:
    """The publications, one of them changed."""
    return tuple(
        replace(one, **changes) if name == one.event.DETAIL_TYPE else one for one in PUBLICATIONS
    )


def gate(folder: Folder, version: str = "1.0.0", **contracts: Any) -> Report:
    return check(folder, Contracts(version, **contracts), TODAY)


def texts(report: Report) -> str:
    return "\n".join(f"{problem.subject} {problem.text}" for problem in report.problems)


def test_the_published_files_pass_the_gate() -> None:
    report = check(Folder(ROOT), Contracts("1.0.0"), TODAY)
    assert not report.problems, texts(report)


@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.event.DETAIL_TYPE)
def test_the_golden_schema_is_what_the_class_says(publication: Publication) -> None:
    event = publication.event
    assert Folder(ROOT).schemas(event.DETAIL_TYPE)[event.VERSION] == event_schema(event)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_sample_is_valid_by_its_golden_schema_and_read(path: Path) -> None:
    name, version = path.parts[-3:-1]
    sample = json.loads(path.read_text("utf-8"))
    jsonschema.validate(sample, dict(Folder(ROOT).schemas(name)[version]))
    event = next(one.event for one in PUBLICATIONS if name == one.event.DETAIL_TYPE)
    assert json.loads(event.read(sample).to_json()) == sample


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_reader_of_today_survives_a_sample_of_any_later_minor_version(path: Path) -> None:
    name = path.parts[-3]
    event = next(one.event for one in PUBLICATIONS if name == one.event.DETAIL_TYPE)
    sample = json.loads(path.read_text("utf-8"))
    later = json.loads(json.dumps(grown(sample)).replace(f"{name}:1.0", f"{name}:1.42"))
    read = event.read(later)
    assert read.model_dump(exclude={"dataschema"}) == event.read(sample).model_dump(
        exclude={"dataschema"}
    )


def grown(document: Any) -> Any:
    """The document with a field more in every object."""
    if isinstance(document, dict):
        return {**{key: grown(value) for key, value in document.items()}, "later": {"x": [1]}}
    return [grown(one) for one in document] if isinstance(document, list) else document


class Publication2(ReportPublication):
    mood: Annotated[str, Field(max_length=10)] | None = None


class Report2(ReportPublished):
    data: Publication2


class Report2Versioned(Report2):
    VERSION: ClassVar[str] = "1.1"


class NarrowPublication(ReportPublication):
    questions: Annotated[int, Field(ge=0, le=10)]


class NarrowReport(ReportPublished):
    data: NarrowPublication


def test_an_additive_change_needs_a_minor_version_of_event_and_package(folder: Folder) -> None:
    report = gate(folder, publications=with_event("ReportPublished", event=Report2))
    assert report.level is Level.MINOR
    assert "is released; set VERSION to 1.1" in texts(report)
    assert "they need 1.1.0, not 1.0.0" in texts(report)


def test_with_both_versions_raised_and_a_sample_it_passes(folder: Folder) -> None:
    folder.write_schema(Report2Versioned)
    sample = dict(folder.samples("ReportPublished", "1.0")["complete"])
    sample["dataschema"] = Report2Versioned.schema_name()
    place = folder.root / "samples/ReportPublished/1.1"
    place.mkdir()
    (place / "complete.json").write_text(json.dumps(sample))
    publications = with_event("ReportPublished", event=Report2Versioned)
    report = gate(folder, "1.1.0", publications=publications)
    assert report.passed, texts(report)
    assert any("`data.mood` was added, optional" in str(change) for change in report.changes)


def test_a_breaking_change_is_refused_and_says_who_breaks(folder: Folder) -> None:
    report = gate(folder, publications=with_event("ReportPublished", event=NarrowReport))
    assert report.level is Level.MAJOR
    assert "`data.questions` may, from writers of 1.0, be arbitrarily high" in texts(report)
    assert "publish a new event" in texts(report)


def test_a_released_file_can_not_change_or_vanish(folder: Folder) -> None:
    schema = folder.root / "schemas/SessionErased/1.0.json"
    schema.write_text(schema.read_text().replace("forgotten", "remembered"))
    (folder.root / "samples/SessionErased/1.0/complete.json").unlink()
    report = gate(folder)
    assert "schemas/SessionErased/1.0.json was released with 1.0.0 and has changed" in texts(report)
    assert "complete.json was released with 1.0.0 and is missing" in texts(report)


def test_a_sample_that_is_not_read_is_named_without_its_text(folder: Folder) -> None:
    sample = folder.root / "samples/QuestionAsked/1.0/minimal.json"
    document = json.loads(sample.read_text())
    sample.write_text(json.dumps({**document, "query": ["canary"]}))
    assert "sample minimal is not read: query: Input should be" in texts(gate(folder))
    assert "canary" not in texts(gate(folder))


def test_an_event_may_not_vanish_before_its_sunset(folder: Folder) -> None:
    kept = tuple(one for one in PUBLICATIONS if one.event is not QuestionAsked)
    early = gate(folder, publications=kept, retired={"QuestionAsked": date(2026, 1, 2)})
    late = gate(folder, publications=kept, retired={"QuestionAsked": date(2026, 1, 1)})
    assert "QuestionAsked is no longer published before its sunset" in texts(early)
    assert "QuestionAsked" not in texts(late)


def test_a_consumer_that_a_change_would_break_is_named(folder: Folder) -> None:
    place = folder.root / "consumers/reporter"
    place.mkdir(parents=True)
    reads = {
        "type": "object",
        "properties": {
            "data": {"properties": {"matchScore": {"type": "integer"}}, "required": ["matchScore"]}
        },
        "required": ["data"],
    }
    (place / "CorrelationCompleted.json").write_text(json.dumps(reads))
    assert (
        "reporter would break on CorrelationCompleted: `data.matchScore` may now be missing"
        in texts(gate(folder))
    )


def test_a_consumer_of_an_event_that_nobody_publishes_is_named(folder: Folder) -> None:
    place = folder.root / "consumers/reporter"
    place.mkdir(parents=True)
    (place / "Gone.json").write_text("{}")
    assert "reporter reads Gone, which nobody publishes" in texts(gate(folder))


def test_an_event_takes_its_names_from_one_place() -> None:
    schema = event_schema(CorrelationCompleted)["properties"]
    assert schema["source"]["const"] == CorrelationCompleted.SOURCE
    assert schema["type"]["const"] == CorrelationCompleted.DETAIL_TYPE
