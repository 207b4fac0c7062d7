"""Releases on GitHub, with a stand-in of its command line on the path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.__main__ import main
from tools.build.versions import tag_of, version_of
from tools.deploy.publish import PublishError, release

TAG = f"processor-v{version_of('processor')}"


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `gh` that knows no release, makes any, and writes down how it was called."""
    program = tmp_path / "gh"
    program.write_text(
        '#!/bin/sh\necho "$*" >> "$(dirname "$0")/calls"\n'
        '[ "$2" = view ] && exit "${VIEW:-1}"\n'
        'echo "${TOLD:-https://github.example/release}" >&"${TO:-1}"\nexit "${CREATE:-0}"\n',
        "utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "calls"


def test_a_release_is_tagged_with_service_and_version() -> None:
    assert tag_of("processor") == TAG


def test_it_tags_the_commit_that_was_deployed_and_writes_notes(
    gh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SHA", "abc123")
    assert list(release("processor")) == [f"{TAG} is released: https://github.example/release"]
    assert gh.read_text("utf-8").splitlines() == [
        f"release view {TAG}",
        f"release create {TAG} --title processor {version_of('processor')} --generate-notes"
        " --target abc123",
    ]


def test_a_version_is_released_once(gh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIEW", "0")
    [said] = release("processor")
    assert said == f"{TAG} exists already: raise the version of processor to release again"
    assert len(gh.read_text("utf-8").splitlines()) == 1


def test_what_github_refuses_is_said_in_its_words(
    gh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CREATE", "1"), ("TOLD", "HTTP 403: no write access"), ("TO", "2")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as failure:
        main(["publish", "processor"])
    assert str(failure.value) == f"error: {TAG}: HTTP 403: no write access"


def test_without_githubs_command_line_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PublishError, match="see https://cli"):
        list(release("processor"))
