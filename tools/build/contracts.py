"""The released wheels of the contracts, which services, stacks and tools install."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tools.paths import CONTRACTS

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = CONTRACTS / "releases"
PACKAGE = "cv_contracts"


def newest_release(releases: Path = RELEASES) -> Path:
    """The wheel with the highest version. Raises `FileNotFoundError`."""
    wheels = sorted(releases.glob(f"{PACKAGE}-*.whl"), key=_version)
    if not wheels:
        raise FileNotFoundError(f"{releases} has no released wheel")
    return wheels[-1]


def unreleased_changes(
    source: Path = CONTRACTS / "src" / PACKAGE, releases: Path = RELEASES
) -> list[str]:
    """Modules of the package that differ from the newest release: no bundle contains them yet."""
    with zipfile.ZipFile(newest_release(releases)) as wheel:
        released = {
            name.removeprefix(f"{PACKAGE}/"): wheel.read(name)
            for name in wheel.namelist()
            if name.startswith(f"{PACKAGE}/")
        }
    present = {
        str(path.relative_to(source)): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(name for name in present | released if present.get(name) != released.get(name))


def _version(wheel: Path) -> tuple[int, ...]:
    """For sorting: 1.10 comes after 1.9."""
    return tuple(map(int, wheel.name.split("-")[1].split(".")))
