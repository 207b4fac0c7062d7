"""What the owner tells the Reporter: notes about changes, decisions about gaps, the CV's skills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cv_reporter.application.ports import (
    AnnotationStore,
    Clock,
    CvStore,
    StatusStore,
    SummaryStore,
)
from cv_reporter.application.publish import effects
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.calendar import local_day
from cv_reporter.domain.report import Effect, GapState, GapStatus


@dataclass(frozen=True, slots=True)
class Notes:
    """Keeps the owner's words. All commands may be repeated."""

    annotations: AnnotationStore
    statuses: StatusStore
    cv: CvStore
    summaries: SummaryStore
    clock: Clock
    time_zone: str

    def annotate(self, annotation: Annotation) -> Annotation:
        """Keep a note."""
        self.annotations.put(annotation)
        return annotation

    def effects(self) -> tuple[Effect, ...]:
        """Every note, with its skill's answers four weeks before and after."""
        today = local_day(self.clock(), self.time_zone)
        return effects(self.annotations.all(), self.summaries, until=today)

    def decide(self, skill: str, state: GapState, note: str) -> GapStatus:
        """Decide about a gap; "done" counts from now, and falls when the skill is missed again."""
        known = {name.casefold(): name for name in self.statuses.all()}
        name = known.get(skill.casefold(), skill)
        status = GapStatus(name, state, self.clock(), note)
        self.statuses.put(status)
        return status

    def decisions(self) -> tuple[GapStatus, ...]:
        """Every decision, by skill."""
        return tuple(status for _, status in sorted(self.statuses.all().items()))

    def list_skills(self, skills: Sequence[str]) -> tuple[str, ...]:
        """Replace the CV's list; names that differ only in case are one."""
        distinct = {name.casefold(): name for name in reversed(skills)}
        listed = tuple(sorted(distinct.values(), key=str.casefold))
        self.cv.set_skills(listed)
        return listed
