"""Build a service's code directory: `python -m tools.build.bundle processor lambda`.

Two layers: the third-party wheels of the service's hash-locked requirements (kept by content, so a
change of our own code never rebuilds them), and on top the wheels of `cv-contracts` and of the
service. The same input makes the same bytes, so that CDK sees an unchanged asset and deploys
nothing. Bytecode is compiled ahead with `unchecked-hash`: zip tools rewrite file times, which would
make ordinary bytecode stale.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.paths import BUNDLES, CONTRACTS, SERVICES, TOOLS, UV, shown

LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORM = "aarch64-manylinux_2_28"
DEFAULT_AWS_SERVICES = (
    "dynamodb",
    "events",
    "scheduler",
    "secretsmanager",
    "sesv2",
    "sqs",
    "ssm",
    "sts",
)
# Our clients are rid of their endpoint rules (see the services' adapters/aws.py): botocore, which
# makes them as of none, takes the address from endpoints.json either way.
UNUSED = ("examples-1", "endpoint-rule-set-1")
# Installer's traces: they name this machine, its time, or files that are gone again.
TRACES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


@dataclass(frozen=True)
class Target:
    """What the code will run on. `python` compiles the bytecode; None leaves that to run time."""

    name: str
    install: tuple[str, ...]
    python: str | None


def target_named(name: str) -> Target:
    """`lambda` (Python 3.13, arm64), or `local` (this machine's, which runs the workers there)."""
    if name == "local":
        here = str(TOOLS / "bin" / "python")
        return Target(name, ("--python", here), here)
    flags = ("--python-platform", LAMBDA_PLATFORM, "--python-version", LAMBDA_PYTHON)
    return Target(name, flags, _find_python(LAMBDA_PYTHON))


def _find_python(version: str) -> str | None:
    """An interpreter of that version on this machine, or None: nothing is downloaded for it."""
    command = [str(UV), "python", "find", "--no-project", "--no-python-downloads", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    return _behind_pyenv_shim(version)


def _behind_pyenv_shim(version: str) -> str | None:
    """pyenv puts a shim on the path that refuses versions which are installed but not chosen."""
    shim = shutil.which(f"python{version}")
    if shim is None:
        return None
    installed = Path(shim).parent.parent.glob(f"versions/{version}*/bin/python{version}")
    return str(max(installed, default="")) or None


def build(
    service: str, target: Target, *, contracts: Path | None = None, into: Path = BUNDLES
) -> Path:
    """Build `dist/bundles/<service>-<target>` and return it.

    `contracts` is a released wheel to carry in place of today's contracts.
    """
    source = SERVICES / service
    final = into / f"{service}-{target.name}"
    fresh = into / f"{service}-{target.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(_layer(source, target), fresh, copy_function=os.link)
    with tempfile.TemporaryDirectory(dir=BUNDLES) as wheels:
        theirs = contracts or wheel(CONTRACTS, Path(wheels))
        _install_own(fresh, target, [theirs, wheel(source, Path(wheels))])
    prune_operations(fresh)
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    return final


def wheel(source: Path, out: Path) -> Path:
    """Build a package's wheel into a directory, with the locked build backend."""
    constraints = Path(__file__).with_name("build.lock")
    flags = ["--quiet", "--wheel", "--no-sources", "--require-build-hashes"]
    _uv("build", *flags, "--build-constraints", str(constraints), "-o", str(out), str(source))
    name = source.name.removeprefix("shared-")
    return next(out.glob(f"cv_{name}-*.whl"))


def _layer(source: Path, target: Target) -> Path:
    """The third-party directory, from `dist/bundles/layers` when its content is unchanged."""
    lock = source / "requirements.lock"
    services = aws_services(source)
    recipe = [lock.read_text(), Path(__file__).read_text(), repr((services, _bytecode_of(target)))]
    digest = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
    layers = BUNDLES / "layers"
    layer = layers / f"{source.name}-{target.name}-{digest}"
    if layer.is_dir():
        return layer
    for stale in layers.glob(f"{source.name}-{target.name}-*"):
        shutil.rmtree(stale)
    fresh = layers / f"{layer.name}.new"
    flags = ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    _uv("pip", "install", "--quiet", *target.install, "--target", str(fresh), *flags)
    _prune(fresh, services)
    _compile(fresh, target)
    fresh.rename(layer)
    return layer


def _bytecode_of(target: Target) -> str:
    """Names the bytecode format: a patch release of the interpreter keeps it."""
    if target.python is None:
        return "none"
    return LAMBDA_PYTHON if target.name == "lambda" else platform.python_version()


def aws_services(source: Path) -> tuple[str, ...]:
    """What a package calls of AWS: `[tool.cv-analytics] aws-services` of its pyproject."""
    project = tomllib.loads((source / "pyproject.toml").read_text())
    named = project.get("tool", {}).get("cv-analytics", {}).get("aws-services")
    return tuple(sorted(named if named is not None else DEFAULT_AWS_SERVICES))


def _install_own(folder: Path, target: Target, wheels: list[Path]) -> None:
    flags = ["--quiet", "--no-deps", *target.install, "--target", str(folder)]
    _uv("pip", "install", *flags, *map(str, wheels))
    _remove_traces(folder)
    for package in folder.glob("cv_*/"):
        _compile(folder, target, package.name)


def _prune(folder: Path, services: tuple[str, ...]) -> None:
    """Leave out what no handler reads: most of botocore's data, scripts, installer's traces."""
    for package in ("botocore", "boto3"):
        for entry in (folder / package / "data").glob("*/"):
            if entry.name not in services:
                shutil.rmtree(entry)
    endpoints = folder / "botocore" / "data" / "endpoints.json"
    if endpoints.exists():
        _rewrite(endpoints, _endpoints_of(json.loads(endpoints.read_text()), services))
    for part in UNUSED:
        for unused in folder.glob(f"botocore/data/*/*/{part}.json*"):
            unused.unlink()
    for model in folder.glob("botocore/data/*/*/*.json*"):
        _without_documentation(model)
    _remove_traces(folder)


def _without_documentation(model: Path) -> None:
    """A service's description as plain JSON without its prose, two thirds of it: botocore unpacks
    and parses it at each start, and reads the prose for help texts only."""
    packed = model.suffix == ".gz"
    raw = gzip.decompress(model.read_bytes()) if packed else model.read_bytes()
    plain = model.with_suffix("") if packed else model
    model.unlink()
    text = json.dumps(json.loads(raw, object_hook=_undocumented), separators=(",", ":"))
    plain.write_text(text)


def _undocumented(node: dict[str, Any]) -> dict[str, Any]:
    """Without a `documentation` that is a text; a member of that name is an object, and stays."""
    if isinstance(node.get("documentation"), str):
        del node["documentation"]
    return node


def prune_operations(bundle: Path) -> None:
    """Leave out the operations of AWS that our packages don't name, and the shapes of those alone.

    botocore parses a service's description and makes a method of each operation whenever a client
    is made, 154 of them for SSM. A service of which nothing is named is botocore's own to call.
    """
    sources = (path.read_text(encoding="utf-8") for path in bundle.glob("cv_*/**/*.py"))
    words = {_plain(word) for text in sources for word in re.findall(r"\w+", text)}
    for model in bundle.glob("botocore/data/*/*/service-2.json"):
        document = json.loads(model.read_text(encoding="utf-8"))
        operations = document["operations"]
        if named := {name: operations[name] for name in operations if _plain(name) in words}:
            shapes = _needed(document["shapes"], named)
            _rewrite(model, document | {"operations": named, "shapes": shapes})


def _plain(name: str) -> str:
    """What `GetItem` and `get_item` have in common."""
    return name.replace("_", "").lower()


def _needed(shapes: dict[str, Any], operations: dict[str, Any]) -> dict[str, Any]:
    """The shapes that operations are made of, and those that these are made of."""
    needed: set[str] = set()
    found = set(_shapes_in(operations))
    while found:
        needed |= found
        found = {inner for name in found for inner in _shapes_in(shapes[name])} - needed
    return {name: shape for name, shape in shapes.items() if name in needed}


def _shapes_in(node: Any) -> Iterator[str]:
    """The shapes that a part of a description refers to; a member of that name is an object."""
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _shapes_in(each)


def _endpoints_of(document: dict[str, Any], services: tuple[str, ...]) -> dict[str, Any]:
    """botocore's endpoint table without the services that are not called (parsed at each start)."""
    names = {*services, "email"} if "sesv2" in services else set(services)
    for partition in document["partitions"]:
        table = partition["services"]
        partition["services"] = {name: table[name] for name in sorted(table) if name in names}
    return document


def _rewrite(path: Path, document: dict[str, Any]) -> None:
    """Replace a file. Never in place: it may be a hard link into uv's cache."""
    path.unlink()
    path.write_text(json.dumps(document, separators=(",", ":")))


def _remove_traces(folder: Path) -> None:
    for metadata in folder.glob("*.dist-info"):
        for name in TRACES:
            (metadata / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    (folder / ".lock").unlink(missing_ok=True)
    (folder / "CACHEDIR.TAG").unlink(missing_ok=True)
    (folder / ".gitignore").unlink(missing_ok=True)


def _compile(bundle: Path, target: Target, only: str = "") -> None:
    """Compile a bundle, or one package of it; tracebacks name files relative to the bundle."""
    if target.python is None:
        return
    flags = ["-q", "-j", str(min(4, os.cpu_count() or 1)), "--invalidation-mode", "unchecked-hash"]
    where = ["-s", str(bundle), str(bundle / only)]
    command = [target.python, "-m", "compileall", *flags, *where]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _uv(*arguments: str) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    subprocess.run([str(UV), *arguments], check=True, env=environment)


def size(folder: Path) -> int:
    """Bytes on disk, as Lambda counts its unzipped limit of 250 MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str]) -> None:
    """Command line: service, target."""
    service, name = arguments
    target = target_named(name)
    if target.python is None:
        print(
            f"no Python {LAMBDA_PYTHON} on this machine: the bundle carries no bytecode, "
            "and cold starts on Lambda compile it (2–3 × slower)"
        )
    try:
        folder = build(service, target)
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.returncode)  # its own output says why
    print(f"{shown(folder)}  {size(folder) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
