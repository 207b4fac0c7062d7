"""What the bundler makes of packages, without installing any."""

from __future__ import annotations

import gzip
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.build.bundle import LAMBDA, LOCAL, Target, compile_ahead, prune

if TYPE_CHECKING:
    from pathlib import Path

MAGIC_OF_3_13 = (3571).to_bytes(2, "little") + b"\r\n"
UNCHECKED_HASH = (1).to_bytes(4, "little")


def test_lambda_bytecode_is_of_python_3_13_whatever_python_builds_it(tmp_path: Path) -> None:
    compile_ahead(sources(tmp_path), LAMBDA)
    compiled = sorted(path.name for path in tmp_path.rglob("*.pyc"))
    assert compiled == ["__init__.cpython-313.pyc", "inner.cpython-313.pyc"]
    for path in tmp_path.rglob("*.pyc"):
        assert path.read_bytes()[:8] == MAGIC_OF_3_13 + UNCHECKED_HASH


@pytest.mark.parametrize("target", [LAMBDA, LOCAL], ids=lambda target: target.name)
def test_bytecode_of_the_same_source_is_the_same_wherever_it_lies(
    target: Target, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        compile_ahead(sources(tmp_path / name), target, "package")
    one, other = (
        [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.pyc"))]
        for name in ("one", "other")
    )
    assert one == other
    assert len(one) == 2


def test_a_source_that_does_not_compile_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(subprocess.CalledProcessError):
        compile_ahead(tmp_path, LAMBDA)


def sources(folder: Path) -> Path:
    package = folder / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("NAMES = {'a', 'b', 'c'}\n")
    (package / "inner.py").write_text("def answer():\n    return 42 in {1, 42, 'x'}\n")
    return folder


def test_only_the_named_services_data_stays_without_its_prose(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    for service in ("sqs", "s3"):
        (data / service / "2012").mkdir(parents=True)
    model = {"documentation": "prose", "shapes": {"documentation": {"type": "string"}}}
    packed = data / "sqs" / "2012" / "service-2.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(model).encode()))
    (data / "sqs" / "2012" / "examples-1.json").write_text("{}")
    (data / "endpoints.json").write_text("{}")
    prune(tmp_path, ("sqs",))
    kept = sorted(str(path.relative_to(data)) for path in data.rglob("*.json*"))
    assert kept == ["endpoints.json", "sqs/2012/service-2.json"]
    plain = json.loads(packed.with_suffix("").read_text())
    assert plain == {"shapes": {"documentation": {"type": "string"}}}
