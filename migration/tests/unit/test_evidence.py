"""The document of a rehearsal, of files that the tests keep."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from migration.phases import evidence
from migration.phases.checks import Check
from migration.phases.context import Context
from tools.deploy.account import Account

WHOLE = "20 of 20"


@pytest.fixture
def context(tmp_path: Path) -> Any:
    account = cast(Account, SimpleNamespace(is_local=False))
    made = Context(account, tmp_path)
    evidence.begin(made, 5.0)
    made.keep("kills-1-do", {"ingest": 12, "expire": 8})
    lines = ["dual write: table was denied to ingest for 4 s", "backfill: copy: crashed at row 3"]
    made.keep("lines-2-do", lines)
    same = [["do", evidence.SAME, WHOLE], ["back", evidence.SAME, WHOLE]]
    made.keep("evidence-1", same)
    made.keep("seconds-1-do", 1.5)
    return made


def unlike(context: Any) -> list[str]:
    return [check.name for check in evidence.faults(context) if not check.holds]


def test_faults_of_all_kinds_and_equal_identities_hold(context: Any) -> None:
    assert unlike(context) == []


def test_nineteen_kills_are_too_few(context: Any) -> None:
    context.keep("kills-1-do", {"ingest": 19})
    assert unlike(context) == ["functions killed"]


@pytest.mark.parametrize(("line", "name"), [(0, "tables denied"), (1, "copies crashed")])
def test_a_fault_that_was_never_made_is_named(context: Any, line: int, name: str) -> None:
    lines = context.kept("lines-2-do")
    context.keep("lines-2-do", lines[:line] + lines[line + 1 :])
    assert unlike(context) == [name]


@pytest.mark.parametrize("values", [[WHOLE], [WHOLE, "19 of 20"], ["0 of 0", "0 of 0"]])
def test_identities_that_are_not_equal_each_time_do_not_hold(
    context: Any, values: list[str]
) -> None:
    context.keep("evidence-1", [["do", evidence.SAME, value] for value in values])
    assert unlike(context) == [f"phase 1: {evidence.SAME}"]


def test_the_document_has_what_was_kept_and_the_last_checks(context: Any, tmp_path: Path) -> None:
    path = tmp_path / "dist" / "evidence.json"
    evidence.write(context, [Check("questions", "lost 0")], path)
    document = json.loads(path.read_text("utf-8"))
    assert document["rate"] == 5.0
    assert document["kills"] == {"1-do": 20}
    assert document["seconds"] == {"1-do": 1.5}
    assert document["end"] == {"questions": "lost 0"}


def test_the_cpu_time_of_this_process_is_more_than_none() -> None:
    assert evidence.cpu_seconds(os.getpid())["emulator"] > 0


def test_the_page_is_that_of_the_document_beside_it() -> None:
    document = json.loads((evidence.PAGES / "evidence.json").read_text("utf-8"))
    assert (evidence.PAGES / "evidence.md").read_text("utf-8") == evidence.TITLE + evidence.page(
        document
    )


def test_a_recorded_rehearsal_is_a_document_and_its_page(context: Any, tmp_path: Path) -> None:
    context.keep("validated-1-do", 12.5)
    source = tmp_path / "evidence.json"
    evidence.write(context, [Check("questions", "lost 0")], source)
    document = {**json.loads(source.read_text("utf-8")), "cpu": {"emulator": 70}}
    source.write_text(json.dumps(document), "utf-8")
    pages = tmp_path / "pages"
    pages.mkdir()
    evidence.record(source, pages)
    text = (pages / "evidence.md").read_text("utf-8")
    assert "| 1 | do | 1.5 | 12.5 | 20 |" in text
    assert "| questions | lost 0 |" in text
