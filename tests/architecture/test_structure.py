"""Who knows one service finds in the other, on the first guess, where the same thing is done."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tools.paths import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOTH = ("processor", "reporter")

# Where it is done, and the names that do it: the same in both services.
PLACES: dict[str, set[str]] = {
    "settings.py": {"Settings", "SettingsError"},
    "bootstrap.py": {"Services", "services"},
    "adapters/aws.py": {"client", "translated", "error_code"},
    "adapters/items.py": {"to_item", "from_item"},
    "adapters/stream.py": set(),
    "adapters/eventbridge.py": {"EventBridgeBus"},
    "adapters/secrets.py": set(),
    "adapters/dead_letters.py": {"DeadLetterQueue"},
    "adapters/layout_store.py": set(),
    "adapters/tombstone_store.py": set(),
    "application/errors.py": {"UnavailableError", "UnacceptableError", "cause"},
    "application/ports.py": set(),
    "application/erasure.py": set(),
    "application/queries.py": set(),
    "application/redrive.py": set(),
    "application/reproject.py": set(),
    "application/relay.py": set(),
    "application/wire/arrivals.py": set(),
    "application/wire/content.py": set(),
    "application/wire/publication.py": {"event_id"},
    "entrypoints/batch.py": {"failures", "warm"},
    "entrypoints/observability.py": {"log_line"},
    "entrypoints/cli.py": {"app", "main"},
    "entrypoints/relay.py": {"handler"},
    "entrypoints/api/__init__.py": {"handler"},
    "entrypoints/api/app.py": {"create_app"},
    "entrypoints/api/health.py": {"router"},
    "entrypoints/api/problems.py": {"problem", "install", "title_of"},
    "entrypoints/api/request_log.py": {"RequestLog"},
}
# What only one module of a service does.
ALONE: dict[str, set[str]] = {
    "boto3": {"adapters/aws.py"},
    "typer": {"entrypoints/cli.py"},
    "mangum": {"entrypoints/api/__init__.py"},
    "aws_lambda_powertools": {"adapters/secrets.py", "entrypoints/observability.py"},
}
# Stream records: their one reader.
IMAGE = "NewImage"
# A use case of the same kind of thing is in the same room; these are what each service is about.
LAYERS = {"adapters", "application", "domain", "entrypoints"}
OWN_LAYERS = {"processor": {"data"}, "reporter": {"data", "presentation"}}
TESTS = {"unit", "component", "faults", "contract", "data"}
OWN_TESTS = {"processor": set[str](), "reporter": {"dashboard", "golden"}}


def package(service: str) -> Path:
    return SERVICES / service / "src" / f"cv_{service}"


def modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder).as_posix(), ast.parse(path.read_text("utf-8"))


def defined(tree: ast.Module) -> set[str]:
    """The names that a module defines at its top."""
    names = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


def imported(tree: ast.Module) -> set[str]:
    """The packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def missing(folder: Path) -> list[str]:
    """What a service lacks of the common places."""
    found = dict(modules(folder))
    lacking = [path for path in PLACES if path not in found]
    for path in PLACES.keys() - lacking:
        lacking += [f"{path}: {name}" for name in sorted(PLACES[path] - defined(found[path]))]
    return lacking


def trespassing(folder: Path) -> list[str]:
    """Modules that do what another module is there for."""
    found = [
        f"{path} imports {name}"
        for path, tree in modules(folder)
        for name in sorted(imported(tree) & ALONE.keys())
        if path not in ALONE[name]
    ]
    return found + [
        f"{path} reads stream records"
        for path, tree in modules(folder)
        if path != "adapters/stream.py"
        and any(isinstance(n, ast.Constant) and n.value == IMAGE for n in ast.walk(tree))
    ]


def folders(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir() and path.name[0] not in "._"}


@pytest.mark.parametrize("service", BOTH)
def test_the_same_is_done_in_the_same_place_under_the_same_name(service: str) -> None:
    assert missing(package(service)) == []


@pytest.mark.parametrize("service", BOTH)
def test_what_a_module_is_there_for_no_other_module_does(service: str) -> None:
    assert trespassing(package(service)) == []


@pytest.mark.parametrize("service", BOTH)
def test_both_have_the_same_layers_and_kinds_of_tests(service: str) -> None:
    assert folders(package(service)) == LAYERS | OWN_LAYERS[service]
    assert folders(SERVICES / service / "tests") == TESTS | OWN_TESTS[service]


def test_a_difference_is_reported(tmp_path: Path) -> None:
    for path, names in PLACES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("".join(f"class {name}: ...\n" for name in sorted(names)))
    assert missing(tmp_path) == []
    (tmp_path / "adapters/aws.py").write_text("def make_client(): ...\nclass translated: ...\n")
    (tmp_path / "settings.py").unlink()
    assert missing(tmp_path) == [
        "settings.py",
        "adapters/aws.py: client",
        "adapters/aws.py: error_code",
    ]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import boto3", "x.py imports boto3"),
        ("def f():\n    from boto3.session import Session", "x.py imports boto3"),
        ("import typer", "x.py imports typer"),
        ("image = record['NewImage']", "x.py reads stream records"),
    ],
)
def test_what_belongs_elsewhere_is_reported(source: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(source)
    assert trespassing(tmp_path) == [fault]
