"""What the owner changed on the CV, and whether the answers about that skill got better."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from cv_reporter.domain.calendar import Period
from cv_reporter.domain.findings import Proportion
from cv_reporter.domain.report import Effect
from cv_reporter.domain.summary import Summary
from cv_reporter.domain.tally import Outcomes

EFFECT_DAYS = 28


class Annotation(NamedTuple):
    """A dated note; `skill` if it is about one ("added a Helm project" → Kubernetes)."""

    day: date
    text: str
    skill: str | None = None

    @property
    def id(self) -> str:
        """The same note on the same day is the same annotation."""
        content = f"{self.day}\n{self.skill or ''}\n{self.text}"
        return sha256(content.encode()).hexdigest()[:16]

    @property
    def before(self) -> Period:
        """The four weeks up to the day before."""
        return Period(self.day - timedelta(days=EFFECT_DAYS), self.day - timedelta(days=1))

    @property
    def after(self) -> Period:
        """The four weeks from that day on."""
        return Period(self.day, self.day + timedelta(days=EFFECT_DAYS - 1))


class Measured(NamedTuple):
    """Answers in full about a skill in four weeks, of all questions about it."""

    full: Proportion

    @property
    def text(self) -> str:
        """`3 of 10 in full: 30.0 % (95 % sure: 10.8–60.3 %)`."""
        if self.full.percent is None:
            return "not asked"
        return (
            f"{self.full.part} of {self.full.whole} in full: {self.full.percent} % "
            f"(95 % sure: {self.full.low}–{self.full.high} %)"
        )


def measured(skill: str, days: Iterable[Summary]) -> Measured:
    """How questions about a skill fared on these days."""
    outcomes = Outcomes().plus(
        *(
            tally.outcomes
            for summary in days
            for name, tally in summary.visitors.skills.items()
            if name.casefold() == skill.casefold()
        )
    )
    return Measured(Proportion.of(outcomes.full, outcomes.questions))


def effect(annotation: Annotation, days: Iterable[tuple[date, Summary]]) -> Effect:
    """An annotation with its skill's answers before and after it."""
    if annotation.skill is None:
        return Effect(annotation.day, annotation.text, id=annotation.id)
    known = list(days)
    before = measured(annotation.skill, (s for day, s in known if day in annotation.before))
    after = measured(annotation.skill, (s for day, s in known if day in annotation.after))
    return Effect(
        annotation.day, annotation.text, annotation.skill, before.text, after.text, annotation.id
    )
