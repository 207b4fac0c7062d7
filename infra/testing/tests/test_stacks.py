"""Which stacks a test run is about."""

from __future__ import annotations

import sys

import pytest

from cdk_constructs.stack import REPOSITORY
from testing.stacks import builders
from testing.synthesis import template_of
from testing.template import of_type

every = builders.__wrapped__  # without what other tests have read


@pytest.mark.parametrize("unit", ["contracts", "processor"])
def test_a_broken_stack_of_another_unit_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    if not (REPOSITORY / "infra" / unit).is_dir():
        pytest.skip(f"this checkout lacks {unit}")
    monkeypatch.setitem(sys.modules, "reporter.stack", None)
    monkeypatch.setenv("UNIT", unit)
    assert set(every()) == {unit}


def test_without_a_unit_a_broken_stack_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (REPOSITORY / "infra/reporter").is_dir():
        pytest.skip("this checkout lacks the Reporter")
    monkeypatch.setitem(sys.modules, "reporter.stack", None)
    monkeypatch.delenv("UNIT", raising=False)
    with pytest.raises(ImportError):
        every()


@pytest.mark.parametrize("unit", ["processor", "reporter"])
@pytest.mark.parametrize("endpoint", ["https://collector.example:4318", ""])
def test_spans_go_where_the_deployment_says_and_nowhere_by_default(
    monkeypatch: pytest.MonkeyPatch, unit: str, endpoint: str
) -> None:
    if not (REPOSITORY / "infra" / unit).is_dir():
        pytest.skip(f"this checkout lacks {unit}")
    monkeypatch.setenv("OTLP", endpoint)
    template = template_of(builders()[unit], "dev")
    named = {
        properties["Environment"]["Variables"].get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        for _, properties in of_type(template, "AWS::Lambda::Function")
        if "cv-analytics" in properties.get("FunctionName", "")
    }
    assert named == {endpoint}
