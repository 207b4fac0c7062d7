"""docs/metrics.md names a test for every number, and each of those tests exists."""

from __future__ import annotations

import re
from pathlib import Path

from cv_reporter.entrypoints.cli import app

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent.parent.parent / "docs" / "metrics.md"


def test_every_number_is_pinned_by_a_test_that_exists() -> None:
    named = re.findall(r"`((?:unit|integration)/\w+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (TESTS / file).read_text(encoding="utf-8"), test


def test_every_command_stands_in_the_readme() -> None:
    readme = (TESTS.parent / "README.md").read_text(encoding="utf-8")
    names = [command.name for command in app.registered_commands]
    names += [group.name for group in app.registered_groups]
    assert len(names) == 10
    for name in names:
        assert f"| `{name}" in readme, name


def test_every_row_of_the_tables_of_numbers_names_its_test() -> None:
    page = PAGE.read_text(encoding="utf-8")
    numbers = page.partition("## Totals")[2].partition("## Variants")[0]
    rows = [
        line for line in numbers.splitlines() if line.startswith("| ") and "formula" not in line
    ]
    assert rows
    for row in rows:
        assert "::test_" in row or row.rstrip().endswith("| same |"), row
