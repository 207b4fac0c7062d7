"""A measured figure beside what was promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`measured` must not exceed `allowed`, or be just that if `exact`; both in `unit`."""

    name: str
    measured: float
    allowed: float
    unit: str
    note: str = ""
    exact: bool = False

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.measured == self.allowed if self.exact else self.measured <= self.allowed

    @property
    def line(self) -> str:
        """One line for the table."""
        broken, sign = ("OFF ", "=") if self.exact else ("OVER", "≤")
        mark = "ok  " if self.holds else broken
        said = f"{self.measured:10.3f} {sign} {self.allowed:<8g} {self.unit}"
        return f"{mark} {self.name:<52} {said} {self.note}".rstrip()
