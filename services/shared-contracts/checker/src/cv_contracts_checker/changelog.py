"""`CHANGELOG.md`, written from the contract changes themselves: nobody forgets an entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from cv_contracts_checker.compatibility import Change, Level
from cv_contracts_checker.golden import Folder

_HEAD = """# Changelog of the contracts

Written by `cv-contracts changelog` from what changed between the released schemas; semantic
versions. The newest release stands first.
"""
_SECTIONS = (
    (Level.MAJOR, "Breaking"),
    (Level.MINOR, "Compatible"),
    (Level.PATCH, "Documentation"),
)


def write_changelog(folder: Folder, version: str, today: date, changes: Sequence[Change]) -> Path:
    """Put the section of this version on top, in place of an earlier draft of the same version."""
    path = folder.root / "CHANGELOG.md"
    earlier = _sections(path.read_text("utf-8")) if path.exists() else []
    kept = [section for section in earlier if not section.startswith(f"## {version} ")]
    own = section(version, today, changes, first=not folder.releases())
    path.write_text("\n".join([_HEAD, own, *kept]).rstrip() + "\n", "utf-8")
    return path


def section(version: str, today: date, changes: Sequence[Change], *, first: bool) -> str:
    """One version's section.

    >>> change = Change("Asked", "mood", "`mood` was added, optional", Level.MINOR, "compatible")
    >>> print(section("1.1.0", date(2026, 1, 2), [change], first=False))
    ## 1.1.0 (2026-01-02)
    <BLANKLINE>
    ### Compatible
    - Asked: `mood` was added, optional – compatible
    <BLANKLINE>
    """
    lines = [f"## {version} ({today})", ""]
    if first:
        lines += ["The first release.", ""]
    elif not changes:
        lines += ["No contract changed.", ""]
    return "\n".join([*lines, *_listed(changes)])


def _listed(changes: Sequence[Change]) -> Iterator[str]:
    for level, title in _SECTIONS:
        ours = [change for change in changes if change.level == level]
        if ours:
            yield f"### {title}"
            yield from (f"- {change}" for change in ours)
            yield ""


def _sections(text: str) -> list[str]:
    return ["## " + part.rstrip() + "\n" for part in text.split("\n## ")[1:]]
