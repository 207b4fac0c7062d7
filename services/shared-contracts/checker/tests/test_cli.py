"""The command line: what it prints, and with which exit code it ends."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT

from cv_contracts import __version__
from cv_contracts.events import SessionErased
from cv_contracts_checker.cli import main

SCORE = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 100}}}
WIDER = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 150}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the published files, not yet released."""
    for kind in ("schemas", "samples", "openapi"):
        shutil.copytree(ROOT / kind, tmp_path / kind)
    return tmp_path


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """An old and a new schema in files."""
    for name, schema in (("old", SCORE), ("new", WIDER)):
        (tmp_path / f"{name}.json").write_text(json.dumps(schema))
    return [str(tmp_path / "old.json"), str(tmp_path / "new.json")]


def test_a_clean_folder_passes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--root", str(root)]) == 0
    assert "may be merged" in capsys.readouterr().out


def test_a_stale_schema_is_mended_by_a_snapshot(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / f"schemas/SessionErased/{SessionErased.VERSION}.json").write_text("{}")
    assert main(["check", "--root", str(root)]) == 1
    assert main(["snapshot", "--root", str(root)]) == 0
    assert main(["check", "--root", str(root)]) == 0


def test_a_breaking_change_is_told_in_words(
    pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *pair]) == 1
    told = capsys.readouterr().out
    assert "`score` may now be 150; readers of old accept at most 100" in told


def test_the_same_change_of_a_request_is_compatible(
    pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *pair, "--as", "request"]) == 0
    assert main(["compare", *pair, "--as", "response"]) == 1


def test_machines_get_json(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *pair, "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["needs"]) == (False, "major")
    assert document["changes"][0]["place"] == "score"


def test_pull_requests_get_annotations(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *pair, "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::warning title=contract major::")
    assert lines[1].startswith(f"::error file={pair[1]},title=new::")


def test_a_file_that_is_not_there_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "nowhere.json", "nowhere.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_release_is_recorded_once_with_its_wheel_and_changelog(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = root / f"cv_contracts-{__version__}-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    release = ["release", "--root", str(root), "--today", "2026-01-02", "--wheel", str(wheel)]
    assert main(release) == 0
    assert f"## {__version__} (2026-01-02)" in (root / "CHANGELOG.md").read_text()
    record = json.loads((root / f"releases/{__version__}.json").read_text())
    assert record["wheel"] == wheel.name
    assert (root / "releases" / wheel.name).read_bytes() == b"wheel"
    assert main(release) == 1
    assert main(["check", "--root", str(root)]) == 0


def test_the_catalogue_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "--root", str(root), "--to", str(root / "site")]) == 0
    assert (root / "site/index.html").is_file()


def test_an_apis_snapshot_is_taken_and_a_released_one_kept(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"openapi": "3.1.0", "info": {"version": "2.3.4"}, "paths": {}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(first)))
    assert main(["snapshot", "--api", "other", "--root", str(root)]) == 0
    assert (root / "openapi/other/2.3.json").is_file()
    assert main(["release", "--root", str(root)]) == 0
    changed = {"info": {"version": "2.3.5"}, "paths": {"/x": {}}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(changed)))
    assert main(["snapshot", "--api", "other", "--root", str(root)]) == 1


def test_what_a_consumer_reads_is_taken_from_its_own_models(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = {"SessionErased": {"properties": {"data": {"type": "object"}}}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(reads)))
    assert main(["snapshot", "--consumer", "mailer", "--root", str(root)]) == 0
    written = json.loads((root / "consumers/mailer/SessionErased.json").read_text())
    assert written == reads["SessionErased"]
