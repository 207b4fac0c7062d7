"""Build a service's code directory: `python -m tools.build.bundle processor lambda`.

Two layers: the third-party wheels of the service's hash-locked requirements, the released contracts
among them (kept by content, so a change of our own code never rebuilds them), and on top the wheel
of the service. The same input makes the same bytes: CDK deploys nothing when nothing changed.
Bytecode is compiled ahead with `unchecked-hash`: zip tools rewrite file times, which would make
ordinary bytecode stale.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.build.contracts import RELEASES, unreleased_changes
from tools.build.node import node
from tools.paths import BUNDLES, SERVICES, TOOLS, UV, shown

LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORM = "aarch64-manylinux_2_28"
COMPILER = Path(__file__).with_name("compile.mjs")
# Operators' commands: they need packages that a function does not.
LEFT_OUT = ("entrypoints/cli.py",)
# Installer's traces: they name this machine, its time, or files that are gone again.
TRACES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


@dataclass(frozen=True)
class Target:
    """What the code will run on: its name, and how uv chooses wheels for it."""

    name: str
    install: tuple[str, ...]

    @property
    def bytecode(self) -> str:
        """The Python whose bytecode the bundle carries."""
        return LAMBDA_PYTHON if self.name == "lambda" else platform.python_version()


LAMBDA = Target("lambda", ("--python-platform", LAMBDA_PLATFORM, "--python-version", LAMBDA_PYTHON))
# The embedded AWS runs its functions on this machine's Python.
LOCAL = Target("local", ("--python", str(TOOLS / "bin" / "python")))
TARGETS = {target.name: target for target in (LAMBDA, LOCAL)}


def build(
    service: str, target: Target, *, contracts: Path | None = None, into: Path = BUNDLES
) -> Path:
    """Build `dist/bundles/<service>-<target>` and return it.

    `contracts` is another released wheel to carry in place of the locked one. Modules that it does
    not have yet stay those of the locked one: the service's code imports them.
    """
    source = SERVICES / service
    final = into / f"{service}-{target.name}"
    fresh = into / f"{service}-{target.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(_layer(source, target), fresh, copy_function=os.link)
    if contracts is not None:
        _exchange(fresh, target, contracts)
    with tempfile.TemporaryDirectory(dir=BUNDLES) as wheels:
        _install_own(fresh, target, wheel(source, Path(wheels)))
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    return final


def wheel(source: Path, out: Path) -> Path:
    """Build a package's wheel into a directory, with the locked build backend."""
    constraints = Path(__file__).with_name("build.lock")
    flags = ["--quiet", "--wheel", "--no-sources", "--require-build-hashes"]
    _uv("build", *flags, "--build-constraints", str(constraints), "-o", str(out), str(source))
    return next(out.glob(f"cv_{source.name}-*.whl"))


def _layer(source: Path, target: Target) -> Path:
    """The third-party directory, from `dist/bundles/layers` when its content is unchanged.

    With `OTLP` in the environment OpenTelemetry is in it: the functions will export spans.
    """
    variant = "-otel" if os.environ.get("OTLP") else ""
    lock = source / f"requirements{variant}.lock"
    services = aws_services(source)
    recipe = [lock.read_text(), Path(__file__).read_text(), COMPILER.read_text()]
    digest = hashlib.sha256("\0".join([*recipe, *services, target.bytecode]).encode())
    layers = BUNDLES / "layers"
    kind = f"{source.name}{variant}-{target.name}"
    layer = layers / f"{kind}-{digest.hexdigest()[:16]}"
    if layer.is_dir():
        return layer
    for stale in layers.glob(f"{kind}-*"):
        shutil.rmtree(stale)
    fresh = layers / f"{layer.name}.new"
    flags = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--find-links", str(RELEASES)]
    _uv("pip", "install", *flags, *target.install, "--target", str(fresh), "-r", str(lock))
    prune(fresh, services)
    compile_ahead(fresh, target)
    fresh.rename(layer)
    return layer


def aws_services(source: Path) -> tuple[str, ...]:
    """The botocore data folders that a bundle keeps: `[tool.cv-analytics] aws-services`."""
    project = tomllib.loads((source / "pyproject.toml").read_text())
    return tuple(sorted(project["tool"]["cv-analytics"]["aws-services"]))


def _install_own(bundle: Path, target: Target, package: Path) -> None:
    """Install one of our wheels over the layer, without what only operators run."""
    flags = ["--quiet", "--no-deps", *target.install, "--target", str(bundle)]
    _uv("pip", "install", *flags, str(package))
    _remove_traces(bundle)
    name = package.name.split("-")[0]
    for part in LEFT_OUT:
        (bundle / name / part).unlink(missing_ok=True)
    compile_ahead(bundle, target, name)


def _exchange(bundle: Path, target: Target, contracts: Path) -> None:
    """Another wheel of the contracts in place of the locked one, whose newer modules stay."""
    locked = (bundle / "cv_contracts").rename(bundle / "cv_contracts.locked")
    for traces in bundle.glob("cv_contracts-*"):
        shutil.rmtree(traces)
    _install_own(bundle, target, contracts)
    for path in locked.rglob("*.py*"):
        place = bundle / "cv_contracts" / path.relative_to(locked)
        if not place.exists():
            path.rename(place)
    shutil.rmtree(locked)


def prune(folder: Path, services: tuple[str, ...]) -> None:
    """Leave out what no handler reads: most of botocore's data, scripts, installer's traces.

    botocore reads a service's data as plain JSON, too (its documentation, `botocore.loaders`).
    """
    for package in ("botocore", "boto3"):
        for entry in (folder / package / "data").glob("*/"):
            if entry.name not in services:
                shutil.rmtree(entry)
    for unused in folder.glob("boto*/data/*/*/examples-1.json*"):
        unused.unlink()
    # Powertools' event handler serves these; our APIs are FastAPI's.
    for asset in folder.glob("aws_lambda_powertools/event_handler/openapi/swagger_ui/*.min.*"):
        asset.unlink()
    for model in folder.glob("botocore/data/*/*/*.json*"):
        _without_documentation(model)
    _remove_traces(folder)


def _without_documentation(model: Path) -> None:
    """A service's description without its prose, two thirds of it: botocore unpacks and parses it
    at each start, and reads the prose for help texts only. Never in place: the file may be a hard
    link into uv's cache."""
    packed = model.suffix == ".gz"
    raw = gzip.decompress(model.read_bytes()) if packed else model.read_bytes()
    text = json.dumps(json.loads(raw, object_hook=_undocumented), separators=(",", ":"))
    model.unlink()
    (model.with_suffix("") if packed else model).write_text(text)


def _undocumented(node: dict[str, Any]) -> dict[str, Any]:
    """Without a `documentation` that is a text; a member of that name is an object, and stays."""
    if isinstance(node.get("documentation"), str):
        del node["documentation"]
    return node


def _remove_traces(folder: Path) -> None:
    for metadata in folder.glob("*.dist-info"):
        for name in TRACES:
            (metadata / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for name in (".lock", "CACHEDIR.TAG", ".gitignore"):
        (folder / name).unlink(missing_ok=True)


def compile_ahead(bundle: Path, target: Target, only: str = "") -> None:
    """Compile a bundle, or one package of it; tracebacks name files relative to the bundle."""
    if target is LAMBDA:
        subprocess.run([node(), COMPILER, bundle, only], check=True, stdout=subprocess.DEVNULL)
        return
    flags = ["-q", "-j", str(min(4, os.cpu_count() or 1)), "--invalidation-mode", "unchecked-hash"]
    command = [str(TOOLS / "bin" / "python"), "-m", "compileall", *flags, "-s", str(bundle)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run(
        [*command, str(bundle / only)], check=True, env=environment, stdout=subprocess.DEVNULL
    )


def _uv(*arguments: str) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    subprocess.run([str(UV), *arguments], check=True, env=environment)


def size(folder: Path) -> int:
    """Bytes on disk, as Lambda counts its unzipped limit of 250 MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str]) -> None:
    """Command line: service, target."""
    service, name = arguments
    if changed := unreleased_changes():
        names = ", ".join([*changed[:3], *(["…"] if changed[3:] else [])])
        print(f"notice: unreleased changes in {len(changed)} files of the contracts: {names}")
    try:
        folder = build(service, TARGETS[name])
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.returncode)  # its own output says why
    print(f"{shown(folder)}  {size(folder) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
