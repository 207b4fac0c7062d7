"""Arithmetic that must be right to the digit: exact rounding, Wilson intervals, percentages.

Everything is computed from integers and rounded once, half up, as a reader with a pencil would.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""

MIN_N = 10
"""A change has a percentage only with so many on both sides."""


def rounded(numerator: int, denominator: int, digits: int = 1) -> float:
    """`numerator / denominator` to that many decimals, half up (away from binary surprises)."""
    scale = int(10**digits)
    size = (2 * abs(numerator) * scale + denominator) // (2 * denominator)
    return (size if numerator >= 0 else -size) / scale


def mean(total: int, n: int) -> float | None:
    """The mean to one decimal; `None` of nothing."""
    return rounded(total, n) if n else None


def percent(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent to one decimal; `None` of nothing.

    The only rounding of a share: mail, dashboard, CSV and API show this number. It is 100 only
    if nothing was missed, and 0 only if nothing was hit.
    """
    if not whole:
        return None
    if 0 < part < whole:
        return min(99.9, max(0.1, rounded(100 * part, whole)))
    return rounded(100 * part, whole)


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """The Wilson score interval at 95 %, in percent to one decimal; `None` of nothing.

    Source: E. B. Wilson, 1927. Unlike the textbook interval it stays within 0–100 and is usable
    at the small numbers that a CV sees.
    """
    if not whole:
        return None
    z2 = Z_95 * Z_95
    centre = (part + z2 / 2) / (whole + z2)
    half = Z_95 * sqrt(part * (whole - part) / whole + z2 / 4) / (whole + z2)
    lower = 0.0 if part == 0 else max(0.0, centre - half)
    upper = 1.0 if part == whole else min(1.0, centre + half)
    return round(100 * lower, 1), round(100 * upper, 1)


class Change(NamedTuple):
    """A count beside its baseline; a percentage needs enough questions on both sides."""

    now: int
    before: int

    @property
    def percent(self) -> int | None:
        """The change in whole percent, only when both counts are at least ten."""
        if min(self.now, self.before) < MIN_N:
            return None
        return int(rounded(100 * (self.now - self.before), self.before, 0))

    @property
    def text(self) -> str:
        """`new`, `no change`, `+3` or `+16 (+133 %)`."""
        if self.now == self.before:
            return "no change"
        if self.before == 0:
            return "new"
        if self.percent is None:
            return f"{self.now - self.before:+d}"
        return f"{self.now - self.before:+d} ({self.percent:+d} %)"
