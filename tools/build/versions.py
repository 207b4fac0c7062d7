"""The version of each deployable, read from its package without importing it."""

from __future__ import annotations

import re

from tools.paths import SERVICES


def version_of(unit: str) -> str:
    """`1.4.0`. Raises `ValueError` when the package has none."""
    folder = "shared-contracts" if unit == "contracts" else unit
    source = SERVICES / folder / "src" / f"cv_{unit}" / "__init__.py"
    version = re.search(r'^__version__ = "([^"]+)"', source.read_text("utf-8"), re.MULTILINE)
    if version is None:
        raise ValueError(f"{source} has no line __version__ = ...")
    return version[1]


def tag_of(unit: str) -> str:
    """The tag of the present version, in AWS as in the repository: `processor-v1.4.0`."""
    return f"{unit}-v{version_of(unit)}"
