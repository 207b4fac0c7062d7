"""What a function imports before its first event: a cold start is imports."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.component.world import ENVIRONMENT


@pytest.mark.parametrize(
    ("function", "needs", "unneeded"),
    [
        ("project", "cv_reporter.adapters.fact_store", "cv_reporter.domain.summary"),
        ("summarise", "cv_reporter.domain.summary", "cv_contracts"),
        ("relay", "cv_reporter.adapters.eventbridge", "cv_reporter.adapters.fact_store"),
        ("report", "cv_reporter.adapters.ses", "cv_reporter.application.project"),
    ],
)
def test_a_function_imports_what_it_needs_before_its_first_event(
    function: str, needs: str, unneeded: str
) -> None:
    statement = f"import sys, cv_reporter.entrypoints.{function}; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 (our own text)
        [sys.executable, "-c", statement],
        env={**os.environ, **ENVIRONMENT, "AWS_LAMBDA_FUNCTION_NAME": function},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert needs in loaded
    assert unneeded not in loaded
    assert "fastapi" not in loaded
