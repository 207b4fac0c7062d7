"""What people meet first: examples that run, typing, and an import that costs nothing extra."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest
from conftest import ROOT

import cv_contracts
import cv_contracts_checker

MODULES = sorted(
    module.name
    for package in (cv_contracts, cv_contracts_checker)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
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
MEASURE = """
from time import process_time
start = process_time()
import pydantic
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
    """CPU time, both within one process, the median of several: load moves it little.

    Both are lazy: pydantic loads most of itself with its first name, and so do the events.
    `make bench-contracts` counts the instructions of both, bare and with a name used.
    """
    ratios = sorted(float(output(MEASURE)) for _ in range(ROUNDS))
    assert ratios[ROUNDS // 2] <= 1.15, ratios


def loaded(statement: str) -> set[str]:
    """The modules that are loaded after a statement."""
    return set(output(f"{statement}\nimport sys; print(*sys.modules)").split())


def test_using_an_event_loads_hardly_more_than_using_pydantic() -> None:
    """Nothing of the standard library's heavy parts: a model is built when it is first used."""
    used = "from cv_contracts.events import CorrelationCompleted"
    pydantic = "from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator"
    extra = {name for name in loaded(used) - loaded(pydantic) if "cv_contracts" not in name}
    assert extra == {"pydantic.alias_generators"}


def test_the_events_import_neither_http_nor_aws() -> None:
    loaded = output("import sys, cv_contracts.events; print(*sys.modules)").split()
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"httpx", "botocore", "boto3", "jsonschema"}


def test_every_public_name_is_found() -> None:
    for name in cv_contracts.__all__:
        assert getattr(cv_contracts, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(cv_contracts, "nothing")  # noqa: B009 (type checkers refuse the name)


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
