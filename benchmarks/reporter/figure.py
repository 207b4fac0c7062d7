"""A measured figure beside what was promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`measured` must not exceed `allowed`; both in `unit`."""

    name: str
    measured: float
    allowed: float
    unit: str
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.allowed

    @property
    def line(self) -> str:
        """One line for the table."""
        mark = "ok  " if self.holds else "OVER"
        said = f"{self.measured:10.3f} ≤ {self.allowed:<8g} {self.unit}"
        return f"{mark} {self.name:<52} {said} {self.note}".rstrip()
