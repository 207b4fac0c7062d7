"""What a phase is made of: steps, each of which can be done again and undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migration.phases.context import Context

Action = Callable[[Context], list[str]]


def nothing(_: Context) -> list[str]:
    """There is nothing to undo."""
    return []


@dataclass(frozen=True, slots=True)
class Step:
    """`do` and `undo` give a line for each thing that they did.

    Both start wherever an interrupted one of them ended, so whoever was killed in the middle goes
    on by repeating the step, in either direction.
    """

    name: str
    do: Action
    undo: Action = nothing
