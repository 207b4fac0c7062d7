"""What a check says: changes, each with its reason, and the version bump that they need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a change asks of the version: semantic versioning's three places, or nothing."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `why` says who breaks, or why nobody does."""

    subject: str
    place: str
    what: str
    level: Level
    why: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what} – {self.why}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """All changes of one contract between two versions."""

    subject: str
    changes: tuple[Change, ...] = ()

    @property
    def level(self) -> Level:
        """The highest of the changes'."""
        return max((change.level for change in self.changes), default=Level.NONE)

    @property
    def compatible(self) -> bool:
        """Whether nobody breaks."""
        return self.level < Level.MAJOR


def needed(version: str, level: Level) -> str:
    """The lowest version that may follow `version` with changes of this level.

    >>> needed("1.4.2", Level.MINOR)
    '1.5.0'
    """
    major, minor, patch = (int(part) for part in version.split("."))
    return {
        Level.NONE: f"{major}.{minor}.{patch}",
        Level.PATCH: f"{major}.{minor}.{patch + 1}",
        Level.MINOR: f"{major}.{minor + 1}.0",
        Level.MAJOR: f"{major + 1}.0.0",
    }[level]
