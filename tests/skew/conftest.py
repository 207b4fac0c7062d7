"""Programs that run with a chosen version of the contracts, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.skew.versions import PROJECT, Version, current, following, released

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Version]:
    """Released ones, today's and the next one, by name."""
    every = [*released(), current(), following(tmp_path_factory.mktemp("contracts"))]
    return {version.name: version for version in every}


def run(
    program: str, version: Version, lines: Iterable[str] = (), *, service: str | None = None
) -> list[str]:
    """Run a program of this folder with a version of the contracts; the lines that it printed."""
    python = service_python(service) if service else Path(sys.executable)
    done = subprocess.run(  # noqa: S603 (our own interpreters)
        [python, HERE / program],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(version.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, f"{program} with {version}:\n{done.stderr[-2000:]}"
    return done.stdout.splitlines()


@cache
def produced(version: Version) -> list[str]:
    """Everything that a version of the producer writes."""
    return run("producer.py", version)


def service_python(service: str) -> Path:
    """The interpreter of a service's own environment."""
    return PROJECT / "services" / service / ".venv" / "bin" / "python"


def parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in lines]
