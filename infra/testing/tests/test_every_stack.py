"""Every stack of this checkout keeps the project's rules, in every stage."""

from __future__ import annotations

import pytest

from cdk_constructs.stage import STAGES
from testing.rules import violations
from testing.stacks import everywhere, template


@pytest.mark.parametrize(("name", "stage"), everywhere())
def test_no_rule_is_broken(name: str, stage: str) -> None:
    assert violations(template(name, stage), STAGES[stage]) == []
