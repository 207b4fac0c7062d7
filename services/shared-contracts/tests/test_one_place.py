"""A name exists once: nobody but the contracts spells an event, a source or a bus pattern.

Neither code, nor benchmarks, nor tests; documents that tell of an event are read by people.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from cv_contracts.registry import PUBLICATIONS

PROJECT = ROOT.parent.parent
NAMES = {one.event.DETAIL_TYPE for one in PUBLICATIONS} | {one.event.SOURCE for one in PUBLICATIONS}
CODE = [
    folder
    for folder in (
        *(PROJECT / "services").glob("*/src/*"),
        *(PROJECT / "services").glob("*/tests"),
        *(PROJECT / name for name in ("infra", "tools", "tests", "benchmarks")),
    )
    if folder.is_dir() and ROOT not in folder.parents
]


def spelt(source: str) -> Iterator[tuple[int, str]]:
    """Every string in the code that is one of the names. Docstrings may mention them, and
    `__all__` lists classes, not events."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _lists_the_public_names(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES:
            yield node.lineno, node.value


def _lists_the_public_names(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def python_files(folder: Path) -> Iterator[Path]:
    skipped = {".venv", "node_modules", "cdk.out", "__pycache__", "build"}
    for path in folder.rglob("*.py"):
        if not skipped & set(path.relative_to(folder).parts):
            yield path


@pytest.mark.parametrize("folder", CODE, ids=lambda folder: "/".join(folder.parts[-2:]))
def test_no_code_outside_the_contracts_spells_a_name(folder: Path) -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line} {name}"
        for path in python_files(folder)
        for line, name in spelt(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_search_finds_a_name_that_is_spelt() -> None:
    assert list(spelt('rule = {"detail-type": ["SessionErased"]}')) == [(1, "SessionErased")]
    assert not list(spelt('"""About SessionErased, in a sentence."""'))


def test_within_the_contracts_each_name_is_spelt_once() -> None:
    files = (*python_files(ROOT / "src"), *python_files(ROOT / "checker" / "src"))
    places = [name for path in files for _, name in spelt(path.read_text("utf-8"))]
    assert sorted(places) == sorted(NAMES)
