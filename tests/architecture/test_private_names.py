"""Shipped code uses other packages by what they document."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.private_names import OWN, defined_in, violations
from tools.paths import ROOT

PACKAGES = {
    "services/processor/src": OWN,
    "services/reporter/src": OWN,
    "services/shared-contracts/src": OWN,
    "services/shared-contracts/checker/src": OWN,
    "tools": OWN,
    "infra": (*OWN, "cdk_constructs", "testing", "contracts", "github", "processor", "reporter"),
}
# They go with the hand-written signer, and with argparse.
KNOWN = {
    f"services/reporter/src/cv_reporter/{name}.py"
    for name in ("adapters/aws", "adapters/signing", "ops/__main__")
}
NOT_SHIPPED = {"tests", ".venv", "node_modules", "__pycache__"}


def sources(folder: Path) -> list[Path]:
    paths = folder.rglob("*.py")
    return [path for path in paths if not NOT_SHIPPED & set(path.relative_to(ROOT).parts)]


@pytest.mark.parametrize("folder", PACKAGES)
def test_no_shipped_line_uses_a_private_name_of_another_package(folder: str) -> None:
    files = {path: path.read_text("utf-8") for path in sources(ROOT / folder)}
    assert len(files) > 5
    package = {name for text in files.values() for name in defined_in(ast.parse(text))}
    own = PACKAGES[folder]
    uses = [
        f"{name}:{use}"
        for path, text in files.items()
        for use in violations(text, package, own)
        if (name := str(path.relative_to(ROOT))) not in KNOWN
    ]
    assert uses == []


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("from botocore._internal import x", "1: import botocore._internal.x"),
        ("from botocore import _x", "1: import botocore._x"),
        ("import boto3\nboto3._x()", "2: ._x"),
        ("import boto3\nboto3.client('s3')._endpoint", "2: ._endpoint"),
        ("def f(client):\n    client.meta._x = 1", "2: ._x"),
        ("import boto3\nboto3.client = None", "2: patches boto3.client"),
        ("import a.b\na.b.C.method = None", "2: patches a.b.C.method"),
        ("class A(B):\n    def f(self):\n        return self._of_the_base", "3: ._of_the_base"),
    ],
)
def test_each_kind_of_use_is_seen(source: str, use: str) -> None:
    assert list(violations(source, set())) == [use]


@pytest.mark.parametrize(
    "source",
    [
        "from cv_contracts._types import x",
        "from . import _sibling",
        "class A:\n    def _f(self): ...\n    def g(self, other): return other._f() or self._f()",
        "def f(row): return row._replace(a=1), row.__class__",
        "self.x = 1",
    ],
)
def test_what_is_our_own_or_documented_is_allowed(source: str) -> None:
    assert list(violations(source, set())) == []


def test_a_name_of_another_file_of_the_package_is_allowed_on_self_alone() -> None:
    assert list(violations("self._x", {"_x"})) == []
    assert list(violations("other._x", {"_x"})) == ["1: ._x"]
