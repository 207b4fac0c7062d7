"""Count the instructions of imports with cachegrind: the same each time, whatever the machine does.

`python -m benchmarks.contracts`, in the contracts' environment. Exit code 1: a promise is broken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 1.15
TOOL = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two statements; `most`, if promised, is how many times the other the first may cost."""

    what: str
    ours: str
    theirs: str
    most: float | None = None


COMPARISONS = (
    Comparison("bare import", "import cv_contracts.events", "import pydantic", MOST),
    Comparison(
        "with a name used",
        "from cv_contracts.events import CorrelationCompleted",
        "from pydantic import BaseModel, Field",
        MOST,
    ),
    Comparison(
        "with a name used, to bare pydantic",
        "from cv_contracts.events import CorrelationCompleted",
        "import pydantic",
    ),
)


def instructions(statement: str) -> int:
    """The instructions of a process that runs the statement."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(  # noqa: S603 (our own text)
        [sys.executable, "-c", statement], check=True, env=environment
    )
    command = [*TOOL, sys.executable, "-c", statement]
    done = subprocess.run(  # noqa: S603 (our own text)
        command, capture_output=True, check=True, text=True, env=environment
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(f"cachegrind printed no count:\n{done.stderr}")
    return int(found[1].replace(",", ""))


def measured() -> Iterator[str]:
    """A line per comparison; what is broken ends in an exclamation."""
    empty = instructions("pass")
    counts = {
        statement: instructions(statement) - empty
        for one in COMPARISONS
        for statement in (one.ours, one.theirs)
    }
    for one in COMPARISONS:
        ratio = counts[one.ours] / counts[one.theirs]
        promise = "" if one.most is None else f" (at most {one.most})"
        broken = "  BROKEN" if one.most is not None and ratio > one.most else ""
        yield f"{one.what:<36} {ratio:5.2f}{promise}{broken}"
        yield f"    {counts[one.ours] / 1e6:7.1f} million  {one.ours}"
        yield f"    {counts[one.theirs] / 1e6:7.1f} million  {one.theirs}"


def main() -> int:
    """Print the measurement; 1 if a promise is broken."""
    if shutil.which("valgrind") is None:
        sys.exit("no valgrind here, which counts instructions: `apt-get install valgrind`")
    lines = list(measured())
    sys.stdout.write("\n".join([*lines, ""]))
    return int(any(line.endswith("BROKEN") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
