"""Folding day summaries into a period, and not twice while none of them has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from cv_reporter.application.ports import Partition
from cv_reporter.domain.calendar import Period
from cv_reporter.domain.summary import Summary, merged

KEPT = 12


@dataclass(slots=True)
class Folds:
    """Remembers folds by the very summaries that went in: a reader that keeps unchanged summaries
    as the same objects gets its former result. Questions come today, so the days before are folded
    apart from the newest one, and a new question costs one merge."""

    _known: dict[tuple[int, ...], tuple[tuple[Summary, ...], Summary]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, summaries: Mapping[Partition, Summary], period: Period) -> Summary:
        """The summary of a period."""
        places = sorted(at for at in summaries if at.day in period)
        newest = places[-1].day if places else period.last
        before = [summaries[at] for at in places if at.day < newest]
        last = [summaries[at] for at in places if at.day == newest]
        return self._fold([self._fold(before), *last])

    def _fold(self, summaries: Sequence[Summary]) -> Summary:
        parts = tuple(summaries)
        # The parts are kept with the result, so that their identities stay theirs alone.
        key = tuple(map(id, parts))
        with self._lock:
            held = self._known.pop(key, None)
        if held is None:
            held = parts, merged(parts)
        with self._lock:
            self._known[key] = held
            for old in list(self._known)[: max(0, len(self._known) - KEPT)]:
                del self._known[old]
        return held[1]
