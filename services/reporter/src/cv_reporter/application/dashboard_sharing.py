"""What a share link shows: aggregates over at least three sessions, and nobody's words.

Whoever has the link may compare two views of it, so that only whole named periods can be asked for
and every row below the threshold is left out, not rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cv_reporter.application.dashboard import Board
from cv_reporter.application.dashboard_view import Span
from cv_reporter.domain.findings import Proportion
from cv_reporter.domain.tally import Outcomes

MIN_SESSIONS = 3
SHARED_SPANS = (Span.LAST, Span.FOUR_WEEKS, Span.QUARTER)
SHARE_DAYS = (7, 30, 90)
_OWN_WORDS = "text"


@dataclass(frozen=True, slots=True)
class SharedGap:
    """A skill's row."""

    skill: str
    gap: float
    times: int
    sessions: int
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class SharedGroup:
    """Unanswered questions by skill or intent, without any of them."""

    label: str
    count: int
    sessions: int


@dataclass(frozen=True, slots=True)
class SharedDay:
    """A day's outcomes; `None` where fewer than three sessions asked."""

    day: date
    outcomes: Outcomes | None


@dataclass(frozen=True, slots=True)
class SharedBoard:
    """A period as others may see it; without totals while it has too few sessions."""

    questions: int
    sessions: int
    full: Proportion
    unanswered: int
    gaps: tuple[SharedGap, ...]
    groups: tuple[SharedGroup, ...]
    days: tuple[SharedDay, ...]
    enough: bool = True


def shared(board: Board) -> SharedBoard:
    """The board without anything that fewer than three sessions stand behind."""
    findings = board.findings
    if findings.sessions.named < MIN_SESSIONS:
        return SharedBoard(0, 0, Proportion.of(0, 0), 0, (), (), (), enough=False)
    return SharedBoard(
        questions=board.totals.questions,
        sessions=findings.sessions.named,
        full=findings.full,
        unanswered=findings.unanswered,
        gaps=tuple(
            SharedGap(gap.skill, gap.gap, gap.times, gap.sessions, gap.outcomes)
            for gap in findings.gaps
            if gap.sessions >= MIN_SESSIONS
        ),
        groups=tuple(
            SharedGroup(group.label, group.count, group.sessions)
            for group in findings.groups
            if group.sessions >= MIN_SESSIONS and group.kind != _OWN_WORDS
        ),
        days=tuple(
            SharedDay(count.day, count.outcomes if _many(board, count.day) else None)
            for count in findings.days
        ),
    )


def _many(board: Board, day: date) -> bool:
    return board.day_sessions.get(day, 0) >= MIN_SESSIONS
