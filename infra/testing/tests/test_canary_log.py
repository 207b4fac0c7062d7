"""The canary counts failures by fields of log lines: the services must write exactly these."""

from __future__ import annotations

import ast
import json
import re

import pytest

from cdk_constructs.canary import LOG_FIELDS
from cdk_constructs.stack import REPOSITORY
from testing.stacks import builders, template
from testing.template import of_type

SERVICES = [name for name in ("processor", "reporter") if name in builders()]


def fields_logged_in(*sources: str) -> set[str]:
    """Keys of the dictionaries in a service's `observability`, and what is passed to `log_line`."""
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    keys = {
        key.value
        for node in nodes
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    passed = {
        keyword.arg
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "log_line"
        for keyword in node.keywords
        if keyword.arg
    }
    return keys | passed


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_logs_what_the_canary_reads(service: str) -> None:
    folder = REPOSITORY / f"services/{service}/src/cv_{service}/entrypoints"
    lines = fields_logged_in((folder / "observability.py").read_text("utf-8"))
    assert set(LOG_FIELDS) - {"status"} <= lines
    of_api = [path.read_text("utf-8") for path in sorted((folder / "api").glob("*.py"))]
    assert "status" in fields_logged_in(*of_api)


@pytest.mark.parametrize("service", SERVICES)
def test_the_filter_reads_these_fields_and_no_other(service: str) -> None:
    filters = [p for _, p in of_type(template(service, "prod"), "AWS::Logs::MetricFilter")]
    assert filters
    for properties in filters:
        read = re.findall(r"\$\.(\w+)", json.dumps(properties))
        assert set(read) == set(LOG_FIELDS)


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("log_line('api', None, status=1)", {"status"}),
        ("line = {'failures': 1}", {"failures"}),
        ("other(status=1)", set()),
        ("log_line('status')", set()),
    ],
)
def test_a_field_counts_where_it_is_written(source: str, fields: set[str]) -> None:
    assert fields_logged_in(source) == fields
