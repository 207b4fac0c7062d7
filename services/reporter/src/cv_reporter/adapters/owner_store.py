"""What the owner enters: decisions about gaps, dated notes, the CV's list of skills."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cv_reporter.adapters.table import Table, integer, key, number, string, text
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.report import GapState, GapStatus


@dataclass(frozen=True, slots=True)
class DynamoStatuses:
    """One item per skill that the owner decided about."""

    table: Table

    def all(self) -> dict[str, GapStatus]:
        """Every status by skill."""
        statuses = (
            GapStatus(
                skill=string(item, "sk"),
                state=GapState(string(item, "state")),
                since=integer(item, "since"),
                note=string(item, "note"),
            )
            for item in self.table.query("GAP")
        )
        return {status.skill: status for status in statuses}

    def put(self, status: GapStatus) -> None:
        """Set a skill's status."""
        self.table.put(
            {
                **key("GAP", status.skill),
                "state": text(status.state),
                "since": number(status.since),
                "note": text(status.note),
            }
        )


@dataclass(frozen=True, slots=True)
class DynamoAnnotations:
    """One item per note."""

    table: Table

    def all(self) -> list[Annotation]:
        """Every annotation, oldest first."""
        annotations = (
            Annotation(
                day=date.fromisoformat(string(item, "day")),
                text=string(item, "text"),
                skill=string(item, "skill") or None,
            )
            for item in self.table.query("ANNOTATION")
        )
        return sorted(annotations, key=lambda annotation: (annotation.day, annotation.id))

    def put(self, annotation: Annotation) -> None:
        """Keep an annotation."""
        self.table.put(
            {
                **key("ANNOTATION", annotation.id),
                "day": text(annotation.day.isoformat()),
                "text": text(annotation.text),
                "skill": text(annotation.skill or ""),
            }
        )

    def remove(self, annotation_id: str) -> bool:
        """Remove an annotation."""
        return self.table.delete(
            "ANNOTATION", annotation_id, ConditionExpression="attribute_exists(pk)"
        )


@dataclass(frozen=True, slots=True)
class DynamoCv:
    """One item with the CV's list of skills."""

    table: Table

    def skills(self) -> tuple[str, ...]:
        """The list."""
        item = self.table.get("CV", "SKILLS")
        return tuple(json.loads(string(item, "names"))) if item else ()

    def set_skills(self, skills: Sequence[str]) -> None:
        """Replace the list."""
        names = json.dumps(list(skills), ensure_ascii=False)
        self.table.put({**key("CV", "SKILLS"), "names": text(names)})
