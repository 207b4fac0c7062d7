"""A bundle's bytecode is used, all of it, and the zip stays small."""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from local.paths import BUNDLES, TOOLS

from tests.bundles import bytecode

MAX_ZIPPED_MB = 12
PYTHON = TOOLS / "bin" / "python"
SERVICES = ("processor", "reporter")

# Outside of Lambda the modules build nothing when imported, so they need no environment.
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


@pytest.fixture(scope="module", params=SERVICES)
def zipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as it is uploaded."""
    bundle = BUNDLES / f"{request.param}-local"
    target = tmp_path_factory.mktemp("zip") / f"{request.param}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(bundle))
    return target


@pytest.fixture(scope="module")
def unzipped(zipped: Path) -> Path:
    """Unpacked elsewhere, with other file times, and every source poisonous."""
    folder = zipped.with_suffix("")
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder)
    bytecode.poison(folder)
    return folder


def test_the_zip_is_small(zipped: Path) -> None:
    assert zipped.stat().st_size / 1e6 <= MAX_ZIPPED_MB


def test_the_zip_carries_its_pinned_sdk(unzipped: Path) -> None:
    lock = Path(f"services/{unzipped.name}/requirements.lock").read_text()
    pinned = next(line for line in lock.splitlines() if line.startswith("botocore=="))
    version = pinned.removeprefix("botocore==").split(" ")[0]
    assert (unzipped / f"botocore-{version}.dist-info").is_dir()


def test_every_module_is_taken_from_its_bytecode(unzipped: Path) -> None:
    assert compiled_anew(unzipped) == []
    assert list(unzipped.rglob("*.pyc"))


def test_all_handlers_import_from_bytecode_alone(unzipped: Path) -> None:
    """Deeper than looking: a single source that is run raises."""
    entrypoints = f"cv_{unzipped.name}.entrypoints"
    environment = {**os.environ, "PYTHONPATH": str(unzipped)}
    environment.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    command = [str(PYTHON), "-S", "-B", "-c", IMPORT_ALL, entrypoints]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]


def test_bytecode_that_goes_by_file_times_is_found(tmp_path: Path) -> None:
    """What an ordinary compiler makes, and what a zip tool makes stale."""
    for name in ("fresh", "stale"):
        source = tmp_path / f"{name}.py"
        source.write_text("answer = 42")
        mode = "UNCHECKED_HASH" if name == "fresh" else "TIMESTAMP"
        py_compile.compile(
            str(source), invalidation_mode=py_compile.PycInvalidationMode[mode], doraise=True
        )
    (tmp_path / "missing.py").write_text("answer = 42")
    bytecode.poison(tmp_path)
    assert Path(cache_from_source(str(tmp_path / "fresh.py"))).is_file()
    assert bytecode.compiled_anew(tmp_path) == ["missing.py", "stale.py"]


def compiled_anew(folder: Path) -> list[str]:
    """As the interpreter that the bundle was built for sees it."""
    command = [str(PYTHON), "-B", str(Path(bytecode.__file__)), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found
