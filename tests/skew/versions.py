"""The versions of the contracts that meet: the released one, today's, and an additive next one.

The next minor version is made from today's sources: a field more, a member of an open enum more.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CONTRACTS = PROJECT / "services" / "shared-contracts"
PACKAGE = "cv_contracts"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the package; `path` goes first on the interpreter's search path."""

    name: str
    path: Path

    def __str__(self) -> str:
        return self.name


def released() -> list[Version]:
    """The wheels of the releases, oldest first. Pure Python: a wheel is importable as it is."""
    wheels = {wheel.name.split("-")[1]: wheel for wheel in (CONTRACTS / "releases").glob("*.whl")}
    return [Version(f"released-{name}", wheels[name]) for name in sorted(wheels, key=_numbers)]


def _numbers(version: str) -> tuple[int, ...]:
    """For sorting: 1.10 comes after 1.9."""
    return tuple(map(int, version.split(".")))


def current() -> Version:
    """Today's sources."""
    return Version("current", CONTRACTS / "src")


def following(folder: Path) -> Version:
    """Today's sources with additive changes, as a next minor version would have."""
    target = folder / "next"
    source, copy = CONTRACTS / "src" / PACKAGE, target / PACKAGE
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in _ADDITIONS:
        path = copy / file
        text = path.read_text("utf-8")
        changed = re.sub(old, new, text, count=1)
        assert changed != text, f"{file} has no place for the addition"
        path.write_text(changed, "utf-8")
    return Version("next", target)


_ADDITIONS = (
    ("_types.py", r'    NO_RESPONSE = "no_response"\n', '\\g<0>    DEFLECTED = "deflected"\n'),
    ("_types.py", r'    TOOL = "tool"\n', '\\g<0>    KIOSK = "kiosk"\n'),
    ("_events.py", r"    clock_skewed: bool = False\n", "\\g<0>    mood: str | None = None\n"),
    (
        "_events.py",
        r'(DETAIL_TYPE: ClassVar\[str\] = "CorrelationCompleted"\n    VERSION.*?= )"1\.\d+"',
        r'\g<1>"1.99"',
    ),
    ("__init__.py", r'__version__ = ".*"', '__version__ = "1.99.0"'),
)
