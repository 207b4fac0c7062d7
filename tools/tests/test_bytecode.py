"""A bundle whose bytecode Lambda would not take is refused."""

from __future__ import annotations

import py_compile
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

import pytest

from tools.build.bytecode import MAGIC, UNCHECKED_HASH, BytecodeError, check, unusable

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
HASHED = py_compile.PycInvalidationMode.UNCHECKED_HASH
TIMED = py_compile.PycInvalidationMode.TIMESTAMP


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two modules, compiled as bundles are."""
    (tmp_path / "package").mkdir()
    for name in ("package/__init__.py", "package/module.py"):
        source = tmp_path / name
        source.write_text("answer = 42\n", "utf-8")
        py_compile.compile(str(source), invalidation_mode=HASHED)
    return tmp_path


def stale(bundle: Path) -> list[str]:
    return unusable(bundle, MAGIC_NUMBER, HERE)


def test_a_compiled_bundle_has_nothing_to_compile(bundle: Path) -> None:
    assert stale(bundle) == []


def test_a_module_without_bytecode_is_named(bundle: Path) -> None:
    Path(cache_from_source(str(bundle / "package" / "module.py"))).unlink()
    assert stale(bundle) == ["package/module.py"]


def test_a_module_changed_after_it_was_compiled_is_named(bundle: Path) -> None:
    (bundle / "package" / "module.py").write_text("answer = 41\n", "utf-8")
    assert stale(bundle) == ["package/module.py"]


def test_bytecode_that_depends_on_file_times_is_named(bundle: Path) -> None:
    py_compile.compile(str(bundle / "package" / "module.py"), invalidation_mode=TIMED)
    assert stale(bundle) == ["package/module.py"]


def test_bytecode_of_another_interpreter_is_named(bundle: Path) -> None:
    assert len(unusable(bundle, b"\x00\x00\r\n", HERE)) == 2


def test_an_empty_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BytecodeError, match="holds no module"):
        check(tmp_path)


def test_a_bundle_without_bytecode_is_refused(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("", "utf-8")
    with pytest.raises(BytecodeError, match="1 of 1 modules have no valid bytecode"):
        check(tmp_path)


def test_a_bundle_with_lambdas_bytecode_is_accepted(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("", "utf-8")
    header = MAGIC + UNCHECKED_HASH + source_hash(b"")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.cpython-313.pyc").write_bytes(header)
    assert "1 modules, all with bytecode of 3.13" in check(tmp_path)
