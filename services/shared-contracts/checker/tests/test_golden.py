"""The published files: golden, immutable, and read for ever; and the gate that says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jsonschema
import pytest
from conftest import ROOT
from pydantic import Field

from cv_contracts import __version__
from cv_contracts.chatbot import QuestionAsked
from cv_contracts.events import CorrelationCompleted, ReportPublication, ReportPublished
from cv_contracts.registry import PUBLICATIONS, Publication
from cv_contracts_checker.cli import main
from cv_contracts_checker.compatibility import Level
from cv_contracts_checker.gate import Contracts, Report, check
from cv_contracts_checker.golden import Folder, event_schema
from cv_contracts_checker.tags import git_reader, tag_of, tagged

TODAY = date(2026, 1, 1)
MINOR = ReportPublished.VERSION
NEXT_MINOR = f"1.{int(MINOR.partition('.')[2]) + 1}"
NEXT_VERSION = f"1.{int(__version__.split('.')[1]) + 1}.0"
SAMPLES = sorted((ROOT / "samples").rglob("*.json"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A copy of the published files, released as today's version."""
    for kind in ("schemas", "samples", "openapi"):
        shutil.copytree(ROOT / kind, tmp_path / kind)
    copy = Folder(tmp_path)
    copy.write_release(__version__, "2026-01-01")
    return copy


def with_event(name: str, **changes: Any) -> tuple[Publication, ...]:
    """The publications, one of them changed."""
    return tuple(
        replace(one, **changes) if name == one.event.DETAIL_TYPE else one for one in PUBLICATIONS
    )


def gate(folder: Folder, version: str = __version__, **contracts: Any) -> Report:
    return check(folder, Contracts(version, **contracts), TODAY)


def texts(report: Report) -> str:
    return "\n".join(f"{problem.subject} {problem.text}" for problem in report.problems)


def test_the_published_files_pass_the_gate() -> None:
    report = check(Folder(ROOT), Contracts(__version__), TODAY)
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
    read = json.loads(event.read(sample).to_json())
    assert read | sample == read, "a reader lost something"
    assert read == sample or version != event.VERSION


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_reader_of_today_survives_a_sample_of_any_later_minor_version(path: Path) -> None:
    name = path.parts[-3]
    event = next(one.event for one in PUBLICATIONS if name == one.event.DETAIL_TYPE)
    sample = json.loads(path.read_text("utf-8"))
    own = sample.get("dataschema", "chatbots send none")
    later = json.loads(json.dumps(grown(sample)).replace(own, f"urn:cv-analytics:{name}:1.42"))
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
    VERSION: ClassVar[str] = NEXT_MINOR


class NarrowPublication(ReportPublication):
    questions: Annotated[int, Field(ge=0, le=10)]


class NarrowReport(ReportPublished):
    data: NarrowPublication


def test_an_additive_change_needs_a_minor_version_of_event_and_package(folder: Folder) -> None:
    report = gate(folder, publications=with_event("ReportPublished", event=Report2))
    assert report.level is Level.MINOR
    assert f"is released; set VERSION to {NEXT_MINOR}" in texts(report)
    assert f"they need {NEXT_VERSION}, not {__version__}" in texts(report)


def test_with_both_versions_raised_and_a_sample_it_passes(folder: Folder) -> None:
    folder.write_schema(Report2Versioned)
    sample = dict(folder.samples("ReportPublished", MINOR)["complete"])
    sample["dataschema"] = Report2Versioned.schema_name()
    place = folder.root / f"samples/ReportPublished/{NEXT_MINOR}"
    place.mkdir()
    (place / "complete.json").write_text(json.dumps(sample))
    publications = with_event("ReportPublished", event=Report2Versioned)
    report = gate(folder, NEXT_VERSION, publications=publications)
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
    assert f"schemas/SessionErased/1.0.json was released with {__version__} and has" in texts(
        report
    )
    assert f"complete.json was released with {__version__} and is missing" in texts(report)


def test_a_released_wheel_can_not_change(folder: Folder) -> None:
    wheel = folder.root / "some.whl"
    wheel.write_bytes(b"PK\0")
    folder.write_release(__version__, "2026-01-01", wheel)
    assert not gate(folder).problems
    (folder.root / "releases/some.whl").write_bytes(b"PK\0\0")
    assert f"releases/some.whl was released with {__version__} and has changed" in texts(
        gate(folder)
    )


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


def test_a_tagged_release_can_not_be_rewritten_together_with_its_record(folder: Folder) -> None:
    tags = {__version__: folder.all_digests()}
    assert check(folder, Contracts(__version__), TODAY, tags).passed
    schema = folder.root / "schemas/SessionErased/1.0.json"
    schema.write_text(schema.read_text().replace("forgotten", "remembered"))
    folder.write_release(__version__, "2026-01-01")
    found = texts(check(folder, Contracts(__version__), TODAY, tags))
    for file in ("schemas/SessionErased/1.0.json", f"releases/{__version__}.json"):
        assert f"{file} differs from the tag contracts-v{__version__}" in found


def test_a_file_of_a_tagged_release_can_not_vanish(folder: Folder) -> None:
    tags = {__version__: {**folder.all_digests(), "samples/SessionErased/1.0/more.json": "0"}}
    found = texts(check(folder, Contracts(__version__), TODAY, tags))
    assert f"more.json is in the tag contracts-v{__version__} and is missing" in found


def git(root: Path, *arguments: str) -> None:
    """Run git without anybody's settings."""
    nobody = ["-c", "user.name=n", "-c", "user.email=n@cv.example", "-c", "core.autocrlf=false"]
    command = ["git", *nobody, *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)  # noqa: S603 (our own)


def test_the_tag_of_a_real_repository_is_read(folder: Folder, tmp_path_factory: Any) -> None:
    repository = tmp_path_factory.mktemp("repository")
    root = repository / "services" / "contracts"
    shutil.copytree(folder.root, root)
    (repository / "elsewhere.json").write_text("{}")
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "released")
    git(repository, "tag", tag_of(__version__))
    there = Folder(root)
    read = tagged(there.releases(), git_reader(root))
    assert read == {__version__: there.all_digests()}
    schema = root / "schemas/SessionErased/1.0.json"
    schema.write_text(schema.read_text().replace("forgotten", "remembered"))
    there.write_release(__version__, "2026-01-01")
    report = check(there, Contracts(__version__), TODAY, read)
    assert "schemas/SessionErased/1.0.json differs from the tag" in texts(report)
    assert main(["check", "--root", str(root), "--today", "2026-01-01"]) == 1


def test_without_a_repository_there_is_no_tag(tmp_path: Path) -> None:
    assert tagged(["1.0.0"], git_reader(tmp_path)) == {}


def test_the_published_files_are_those_of_their_tags() -> None:
    folder = Folder(ROOT)
    trees = tagged(folder.releases(), git_reader(ROOT))
    assert check(folder, Contracts(__version__), TODAY, trees).passed
