"""What a rehearsal showed, as one JSON document: the figures of the pages come from it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from migration.phases.checks import Check
from migration.phases.context import Context
from tools.paths import DIST

PATH: Final = DIST / "migration" / "evidence.json"
BEGAN: Final = "began"
SAME: Final = "resources and revisions as before"
PROC: Final = Path("/proc")


def begin(context: Context, rate: float) -> None:
    """Keep when the rehearsal began, and how many questions come a second."""
    context.keep(BEGAN, {"at": time.time(), "rate": rate})


def faults(context: Context) -> Iterator[Check]:
    """What was done to the system on the way, and what phase 1 left as it was."""
    kills = sum(sum(counter.values()) for counter in _kept(context, "kills").values())
    yield Check("functions killed", str(kills), kills >= 20)
    lines = [line for lines in _kept(context, "lines").values() for line in lines]
    for name, phrase in (("tables denied", " was denied to "), ("copies crashed", ": crashed at")):
        number = sum(phrase in line for line in lines)
        yield Check(name, str(number), number > 0)
    values = [value for _, name, value in _kept(context, "evidence").get("1", ()) if name == SAME]
    yield Check(f"phase 1: {SAME}", ", ".join(values), len(values) > 1 and all(map(_all, values)))


def _all(value: str) -> bool:
    """Whether `n of m` is all of them."""
    number, _, wanted = value.partition(" of ")
    return number == wanted != "0"


def write(context: Context, end: Iterable[Check], path: Path = PATH) -> None:
    """Write the document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(document(context, end), indent=1, ensure_ascii=False) + "\n", "utf-8"
    )


def document(context: Context, end: Iterable[Check]) -> dict[str, Any]:
    """All that was kept of a rehearsal, and its last checks. Times are in seconds."""
    began = context.kept(BEGAN)
    return {
        "rate": began["rate"],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[2],
        "total": round(time.time() - began["at"]),
        "cpu": cpu_seconds(context.emulator_pid) if context.account.is_local else {},
        "events": len(context.journal.entries()),
        "seconds": _kept(context, "seconds"),
        "validated": _kept(context, "validated"),
        "kills": {way: sum(kills.values()) for way, kills in _kept(context, "kills").items()},
        "phases": _kept(context, "evidence"),
        "end": {check.name: check.value for check in end},
    }


def cpu_seconds(pid: int) -> Mapping[str, float]:
    """Of the embedded AWS itself, and of the functions that it ended."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    own, ended = (sum(map(int, fields[n : n + 2])) / os.sysconf("SC_CLK_TCK") for n in (11, 13))
    return {"emulator": round(own), "ended functions": round(ended)}


def _kept(context: Context, kind: str) -> dict[str, Any]:
    """What was kept under `kind-…`, by the rest of the name."""
    names = sorted(path.stem for path in (context.home / "kept").glob(f"{kind}-*.json"))
    return {name.removeprefix(f"{kind}-"): context.kept(name) for name in names}
