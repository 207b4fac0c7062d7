"""Each import rule fails on a violation, and the rules cover every module and every handler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.architecture.import_rules import ROOTS, Violation, copy_with, lint, rules, violations_of
from tools.paths import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

VIOLATIONS = [violation for service in ROOTS for violation in violations_of(service)]
# The web framework is theirs, or they are no function.
WITH_WEB = {"api", "dashboard", "cli"}
# What handlers share; the rules see it through the handlers that import it.
SHARED = {"__init__", "runtime", "_lambda", "batch", "observability"}


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_lint_fails_on_a_violation_of_the_rule(violation: Violation, tmp_path: Path) -> None:
    printed = lint(copy_with(violation, tmp_path), violation.service)
    assert re.search(rf"^{re.escape(violation.rule)} BROKEN", printed, re.MULTILINE), printed


@pytest.mark.parametrize("service", ["processor", "reporter"])
def test_every_module_of_a_service_is_in_a_layer(service: str) -> None:
    [layers] = [rule for rule in rules(service) if rule["type"] == "layers"]
    assert layers["containers"] == [f"cv_{service}"]
    assert layers["exhaustive"]


@pytest.mark.parametrize("service", ["processor", "reporter"])
def test_every_handler_but_the_apis_is_forbidden_the_web_framework(service: str) -> None:
    [web] = [
        rule
        for rule in rules(service)
        if "fastapi" in (rule.get("forbidden_modules") or rule.get("protected_modules") or [""])[0]
    ]
    entrypoints = SERVICES / service / "src" / f"cv_{service}" / "entrypoints"
    modules = {path.stem for path in entrypoints.iterdir() if path.name != "__pycache__"}
    handlers = {f"cv_{service}.entrypoints.{name}" for name in modules - WITH_WEB - SHARED}
    if web["type"] == "protected":  # all but those that are allowed
        assert not handlers & set(web["allowed_importers"])
    else:
        assert handlers <= set(web["source_modules"])
