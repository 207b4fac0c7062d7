"""The import rules of a service, and copies of it that break one of them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tools.paths import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOTS: Final = {
    "processor": ("src",),
    "reporter": ("src",),
    "shared-contracts": ("src", "checker/src"),
}


@dataclass(frozen=True)
class Violation:
    """An import that a rule forbids: the rule's name, who imports, and what."""

    service: str
    rule: str
    importer: str
    imported: str

    def __str__(self) -> str:
        return f"{self.service}: {self.importer} imports {self.imported}"


def rules(service: str) -> list[dict[str, Any]]:
    """The contracts of a service's import linter."""
    text = (SERVICES / service / "pyproject.toml").read_text("utf-8")
    contracts: list[dict[str, Any]] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return contracts


def violations_of(service: str) -> Iterator[Violation]:
    """One violation for each pair of neighbouring layers, and for each forbidden importer."""
    for rule in rules(service):
        for importer, imported in _pairs(rule):
            yield Violation(service, rule["name"], importer, imported)


def _pairs(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if rule["type"] == "layers":
        prefix = f"{rule['containers'][0]}." if "containers" in rule else ""
        layers = [
            [f"{prefix}{name.strip()}" for name in layer.split("|")] for layer in rule["layers"]
        ]
        yield from ((low[0], high[-1]) for high, low in itertools.pairwise(layers))
    elif rule["type"] == "protected":
        outsider = f"{rule['allowed_importers'][0].partition('.')[0]}.settings"
        yield from ((outsider, module) for module in rule["protected_modules"])
    else:
        assert rule["type"] == "forbidden", f"no violation is known for a {rule['type']} rule"
        sources, forbidden = rule["source_modules"], rule["forbidden_modules"]
        yield from ((source, forbidden[0]) for source in sources)
        yield from ((sources[0], module) for module in forbidden[1:])


def copy_with(violation: Violation, into: Path) -> Path:
    """A copy of the service's sources whose importer imports what it must not."""
    copy = into / violation.service
    for root in ROOTS[violation.service]:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SERVICES / violation.service / root, copy / root, ignore=ignored)
    shutil.copy(SERVICES / violation.service / "pyproject.toml", copy)
    module = source_of(violation.importer, copy, violation.service)
    module.write_text(f"{module.read_text('utf-8')}\nimport {violation.imported}\n", "utf-8")
    return copy


def source_of(module: str, folder: Path, service: str) -> Path:
    """The file of a module, or of a package."""
    path = module.replace(".", "/")
    files = [
        folder / root / end
        for root in ROOTS[service]
        for end in (f"{path}.py", f"{path}/__init__.py")
    ]
    return next(file for file in files if file.exists())


def lint(copy: Path, service: str) -> str:
    """What the import linter of the service prints about a copy of it."""
    folder = SERVICES / service
    roots = os.pathsep.join(str(copy / root) for root in ROOTS[service])
    done = subprocess.run(
        [folder / ".venv" / "bin" / "lint-imports", "--no-cache"],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": roots, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
