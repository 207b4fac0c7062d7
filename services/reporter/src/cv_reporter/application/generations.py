"""Writing to every generation of facts that is written, and reading one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cv_reporter.application.ports import Partition
from cv_reporter.domain.fact import Fact


class Store(Protocol):
    """The facts of one generation."""

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact; says for each why it could not be written."""
        ...

    def of(self, partition: Partition) -> list[Fact]:
        """The facts of a day and shard in order, read consistently."""
        ...


@dataclass(frozen=True, slots=True)
class EveryGeneration:
    """Facts go to all of the `stores`, in their order. They are read from the last one.

    Each must have what a later one has: so a fact that the first does not take is not offered to
    the next. `settle` runs before a fact is written; what it raises fails every fact.
    """

    settle: Callable[[], None]
    stores: Sequence[Store]

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact to every generation; says for each why one of them did not take it."""
        try:
            self.settle()
        except Exception as unsettled:  # noqa: BLE001 (told to the caller, for each fact)
            return [unsettled for _ in facts]
        errors: list[Exception | None] = [None for _ in facts]
        for store in self.stores:
            places = [place for place, error in enumerate(errors) if error is None]
            results = store.record([facts[place] for place in places])
            for place, result in zip(places, results, strict=True):
                errors[place] = result
        return errors

    def of(self, partition: Partition) -> list[Fact]:
        """The facts of a day and shard as readers see them."""
        return self.stores[-1].of(partition)
