"""What the documents name is there: make targets, files, links, the outputs' names."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tools.emulator.outputs import PUBLISHED
from tools.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

UNITS = ("contracts", "processor", "reporter")
SERVICES = ("processor", "reporter")
MADE = (".local", ".tools", ".venv", "dist", "node_modules")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"\bmake ((?:[A-Za-z][A-Za-z0-9-]*)(?: (?=[a-z])[a-z][a-z-]*)*)")
PATH = re.compile(r"^[\w.-]+(?:/[\w.*<>-]+)+/?$")


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    found = [ROOT / name for name in listed] or [
        path for path in ROOT.rglob("*.md") if not set(path.relative_to(ROOT).parts) & set(MADE)
    ]
    return [path for path in found if path.exists() and "/golden/" not in str(path)]


DOCUMENTS = _documents()
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


@cache
def _targets() -> frozenset[str]:
    database = subprocess.run(
        ["make", "-npq", "-C", str(ROOT), "help"], capture_output=True, text=True, check=False
    ).stdout
    return frozenset(re.findall(r"^([A-Za-z][A-Za-z0-9_-]*):", database, re.MULTILINE))


def _commands(text: str) -> set[str]:
    code = "\n".join([*FENCED.findall(text), *CODE.findall(FENCED.sub("", text))])
    return {word for words in COMMAND.findall(code) for word in words.split()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_make_command_exists(document: Path) -> None:
    commands = _commands(document.read_text(encoding="utf-8"))
    named = {command.replace("-X", "-processor") for command in commands}
    assert not named - _targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_and_path_resolves(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link and link[:7] != "mailto:"]
    missing = [link for link in links if not (document.parent / link).exists()]
    outside = FENCED.sub("", text)
    paths = [word for word in CODE.findall(outside) if PATH.match(word) and _is_ours(word)]
    missing += [path for path in paths if not _resolves(path, document)]
    assert not missing


def _is_ours(path: str) -> bool:
    """Whether a word in backticks names a file of the checkout: it starts with a folder of it."""
    first = path.split("/")[0]
    return first not in MADE and (ROOT / first).is_dir()


def _resolves(path: str, document: Path) -> bool:
    pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/"))
    return any(list(base.glob(pattern)) for base in (ROOT, document.parent))


def test_the_readme_names_every_output() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for name in PUBLISHED if f"`{name}`" not in readme]


def _printed(target: str) -> list[str]:
    command = ["make", "-s", "-C", str(ROOT), target]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_help_fits_one_screen() -> None:
    lines = _printed("help")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100


def test_every_target_that_help_lists_exists() -> None:
    indented = [line for line in _printed("help-all") if line.startswith("  ")]
    columns = [re.split(r"   +", line.strip())[0] for line in indented]
    listed = {word for column in columns for word in column.split()}
    assert {"demo", "up", "down", "test", "lock", "deploy-X", "clean-local"} <= listed
    assert not {name for name in listed if name.replace("-X", "-processor") not in _targets()}


@pytest.mark.parametrize("unit", UNITS)
def test_each_deployable_has_its_targets(unit: str) -> None:
    wanted = {f"{verb}-{unit}" for verb in ("lint", "test", "build", "synth", "deploy")}
    assert wanted <= _targets()
    assert unit == "contracts" or f"run-{unit}" in _targets()
