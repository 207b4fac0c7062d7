"""What people meet first: examples that run, typing, and an import that costs nothing extra."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import cv_contracts
from conftest import ROOT

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(cv_contracts.__path__, "cv_contracts.")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if "._" not in name])
def test_everything_public_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    public = getattr(module, "__all__", [key for key in vars(module) if not key.startswith("_")])
    for key in public:
        member = getattr(module, key)
        if getattr(member, "__module__", None) == name and callable(member):
            assert member.__doc__, f"{name}.{key}"


ROUNDS = 5
# Pydantic loads most of itself only when the first model is declared, which every user pays.
MEASURE = """
from time import process_time
start = process_time()
import pydantic
class Smallest(pydantic.BaseModel):
    field: int = pydantic.Field(ge=0)
pydantic_only = process_time()
import cv_contracts.events
print((process_time() - start) / (pydantic_only - start))
"""


def output(script: str) -> str:
    done = subprocess.run(  # noqa: S603 (our own interpreter)
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    return done.stdout


def test_importing_the_events_costs_at_most_15_percent_more_than_pydantic() -> None:
    """CPU time, both within one process, the median of several: load moves it little."""
    ratios = sorted(float(output(MEASURE)) for _ in range(ROUNDS))
    assert ratios[ROUNDS // 2] <= 1.15, ratios


def test_the_events_import_neither_http_nor_aws() -> None:
    loaded = output("import sys, cv_contracts.events; print(*sys.modules)").split()
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"httpx", "botocore", "boto3", "jsonschema"}


def test_every_public_name_is_found() -> None:
    for name in cv_contracts.__all__:
        assert getattr(cv_contracts, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cv_contracts.nothing  # noqa: B018 (the access is the point)


def test_the_readmes_example_holds() -> None:
    """Each comment after a line is what the line gives."""
    readme = (ROOT / "README.md").read_text("utf-8")
    example = readme.partition("```python\n")[2].partition("```")[0]
    names: dict[str, object] = {}
    expected = [line[2:] for line in example.splitlines() if line.startswith("# ")]
    given = []
    for statement in ast.parse(example).body:
        source = ast.unparse(statement)
        if isinstance(statement, ast.Expr):
            given.append(repr(eval(source, names)))  # noqa: S307 (our own README)
        else:
            exec(source, names)  # noqa: S102 (our own README)
    assert given == expected
