"""The archive: every week since the first question, what was built of it, and who got it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cv_reporter.application.ports import (
    Clock,
    Ledger,
    ReportStore,
    Sending,
    StoredReport,
    SummaryStore,
    Suppressions,
)
from cv_reporter.domain.calendar import Period, Week, last_complete_week, local_day

UNDER_WAY_MS = 300_000
"""A mail that was begun so recently may still be under way; after that it is in doubt."""


@dataclass(frozen=True, slots=True)
class ArchivedWeek:
    """A week's report (`None` = not built since it was over), its mails, and who still gets one."""

    week: str
    period: Period
    report: StoredReport | None
    lines: tuple[Sending, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """Reads what is kept of the weeks. It changes nothing."""

    reports: ReportStore
    ledger: Ledger
    summaries: SummaryStore
    suppressions: Suppressions
    recipients: tuple[str, ...]
    clock: Clock
    time_zone: str

    def current(self) -> ArchivedWeek:
        """The week that is not over."""
        week = Week.of(local_day(self.clock(), self.time_zone))
        return self._archived(week, None)

    def weeks(self, before: Week | None, size: int) -> tuple[list[ArchivedWeek], str]:
        """So many weeks, newest first, and the week before which there are more (or nothing)."""
        kept = {report.week: report for report in self.reports.weeks()}
        newest = before.minus(1) if before else last_complete_week(self.clock(), self.time_zone)
        oldest = self._oldest(list(kept))
        if oldest is None:
            return [], ""
        chosen = [week for n in range(size) if (week := newest.minus(n)) >= oldest]
        rows = [self._archived(week, kept.get(str(week))) for week in chosen]
        return rows, str(chosen[-1]) if chosen and chosen[-1] > oldest else ""

    def of(self, week: Week) -> ArchivedWeek:
        """One week."""
        return self._archived(week, self.reports.get(str(week)))

    def doubtful(self, lines: Sequence[Sending]) -> list[Sending]:
        """The mails that may have gone out or not."""
        until = self.clock() - UNDER_WAY_MS
        return [line for line in lines if line.state == "SENDING" and line.since <= until]

    def _oldest(self, kept: Sequence[str]) -> Week | None:
        first = self.summaries.first_day()
        begun = [Week.of(first)] if first else []
        return min([*begun, *map(Week.parse, kept)], default=None)

    def _archived(self, week: Week, report: StoredReport | None) -> ArchivedWeek:
        lines = self.ledger.every_line(str(week))
        settled = {line.recipient for line in lines if not line.until and line.state != "REFUSED"}
        stopped = self.suppressions.all()
        return ArchivedWeek(
            week=str(week),
            period=Period.of_week(week),
            report=None if report is None or report.unfinished else report,
            lines=tuple(lines),
            missing=tuple(r for r in self.recipients if r not in settled and r not in stopped),
        )
