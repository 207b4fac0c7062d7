"""A bundle's bytecode is used, all of it, and the zip stays small."""

from __future__ import annotations

import hashlib
import json
import os
import py_compile
import re
import shutil
import subprocess
import tempfile
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.bundles import bytecode
from tools.build.bundle import LOCAL, build
from tools.build.contracts import RELEASES, newest_release
from tools.paths import BUNDLES, ROOT, SERVICES, TOOLS

MAX_ZIPPED_MB = 12
PYTHON = TOOLS / "bin" / "python"

# Outside of Lambda the modules build nothing when imported, so they need no environment.
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


@pytest.fixture(scope="module", params=("processor", "reporter"))
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


@pytest.mark.parametrize("library", ["boto3", "botocore", "aws-lambda-powertools", "pydantic"])
def test_a_named_library_is_in_the_zip_as_its_lock_pins_it(unzipped: Path, library: str) -> None:
    lock = (SERVICES / unzipped.name / "requirements.lock").read_text()
    pinned = next(line for line in lock.splitlines() if line.startswith(f"{library}=="))
    version = pinned.removeprefix(f"{library}==").split(" ")[0]
    name = library.replace("-", "_")
    assert (unzipped / f"{name}-{version}.dist-info").is_dir()
    assert (unzipped / name / "__init__.py").is_file()


def test_the_compatibility_checker_is_in_no_zip(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as bundle:
        assert [name for name in bundle.namelist() if "checker" in name.split("/")[0]] == []


def test_the_contracts_in_a_bundle_are_the_released_ones_that_its_lock_names(zipped: Path) -> None:
    lock = (SERVICES / zipped.stem / "requirements.lock").read_text()
    [(version, digest)] = re.findall(
        r"^cv-contracts==(\S+) \\\n +--hash=sha256:(\w+)$", lock, re.MULTILINE
    )
    wheel = RELEASES / f"cv_contracts-{version}-py3-none-any.whl"
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == digest
    with zipfile.ZipFile(wheel) as released, zipfile.ZipFile(zipped) as bundle:
        modules = [name for name in released.namelist() if name.startswith("cv_contracts/")]
        assert [name for name in modules if bundle.read(name) != released.read(name)] == []
        present = [name for name in bundle.namelist() if name.startswith("cv_contracts/")]
        assert {name for name in present if "__pycache__" not in name} == set(modules)


def test_the_opentelemetry_sdk_is_in_a_bundle_that_is_to_export_spans_alone(
    zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(zipped) as bundle:
        assert not [name for name in bundle.namelist() if name.startswith("opentelemetry/sdk/")]
    monkeypatch.setenv("OTLP", "http://127.0.0.1:4318")
    with tempfile.TemporaryDirectory(dir=BUNDLES) as folder:
        exporting = build(zipped.stem, LOCAL, into=Path(folder))
        command = [str(PYTHON), "-c", "import cv_contracts.spans"]
        subprocess.run(command, env={"PYTHONPATH": str(exporting)}, check=True)


def test_no_operators_command_is_in_a_bundle(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as bundle:
        names = bundle.namelist()
    assert not [name for name in names if name.endswith("entrypoints/cli.py")]
    assert not {"typer", "rich"} & {name.split("/")[0] for name in names}


def test_a_contract_change_without_a_release_is_reported_and_in_no_bundle(tmp_path: Path) -> None:
    for part in ("tools", "services/processor", "services/shared-contracts"):
        ignored = shutil.ignore_patterns(".venv", "node_modules", "__pycache__")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    (tmp_path / ".tools").symlink_to(TOOLS)
    (tmp_path / "dist" / "bundles").mkdir(parents=True)
    (tmp_path / "dist" / "bundles" / "layers").symlink_to(BUNDLES / "layers")
    source = tmp_path / "services/shared-contracts/src"
    shutil.rmtree(source / "cv_contracts")
    with zipfile.ZipFile(newest_release()) as released:
        released.extractall(source)
    changed = source / "cv_contracts/parameters.py"
    changed.write_text(changed.read_text() + "UNRELEASED = True\n")
    command = [str(PYTHON), "-m", "tools.build.bundle", "processor", "local"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    notice = r"^notice: unreleased changes in 1 files of .*: parameters\.py$"
    assert re.search(notice, done.stdout, re.MULTILINE)
    [module] = (tmp_path / "dist").rglob("processor-local/cv_contracts/parameters.py")
    assert "UNRELEASED" not in module.read_text()


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
