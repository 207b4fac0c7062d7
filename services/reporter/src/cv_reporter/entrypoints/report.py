"""Lambda: the schedule → the weekly report, built, kept and sent."""

from __future__ import annotations

import time

from cv_reporter.bootstrap import services, unread
from cv_reporter.domain.calendar import Week, last_complete_week
from cv_reporter.entrypoints.batch import Event, warm
from cv_reporter.entrypoints.observability import log_line


class NotSentError(RuntimeError):
    """SES refused mail; the schedule's retry sends to those who have not got it."""


def handler(event: Event, context: object) -> dict[str, object]:
    """Report the week before today, or the week that the event names (`{"week": "2025-W46"}`)."""
    began_ns = time.time_ns()
    given = services()
    named = event.get("week")
    zone = given.placement.time_zone
    week = Week.parse(named) if named else last_complete_week(given.now_ms(), zone)
    result = given.publisher.send(given.report_builder.preview(week))
    log_line(
        "report",
        context,
        began_ns=began_ns,
        counts={"sent": result.sent, "refused": result.refused},
        metrics={"SendingInDoubt": result.in_doubt},
        week=str(week),
    )
    if result.refused:
        raise NotSentError(f"{result.refused} of the recipients' mails were refused")
    return {"week": str(week), "sent": result.sent, "inDoubt": result.in_doubt}


warm(lambda: (unread().report_builder, unread().publisher))
