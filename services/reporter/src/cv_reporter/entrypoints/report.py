"""Scheduler → the weekly report: build it, keep it, send it."""

from __future__ import annotations

from cv_reporter.bootstrap import clock, publisher, report_builder, settings
from cv_reporter.domain.calendar import Week, last_complete_week
from cv_reporter.entrypoints._lambda import Event, log, metric, warm

warm(report_builder, publisher)


class NotSentError(Exception):
    """SES refused mail; the schedule's retry sends to those who have not got it."""


def handler(event: Event, _context: object) -> dict[str, object]:
    """Report the week before today, or the week that the event names (`{"week": "2025-W46"}`)."""
    named = event.get("week")
    week = Week.parse(named) if named else last_complete_week(clock()(), settings().time_zone)
    report = report_builder().build(week)
    result = publisher().send(report)
    metric("SendingInDoubt", result.in_doubt)
    log("reported", week=str(week), sent=result.sent, refused=result.refused)
    if result.refused:
        raise NotSentError(f"{result.refused} of the recipients' mails were refused")
    return {"week": str(week), "sent": result.sent, "inDoubt": result.in_doubt}
