"""Lambda: the schedule → reconciliation with the Processor, every night."""

from __future__ import annotations

import time
from datetime import timedelta

from cv_reporter.application.overdue import is_overdue, wants_mail
from cv_reporter.bootstrap import services, unread
from cv_reporter.domain.calendar import utc_day
from cv_reporter.entrypoints.batch import Event, warm
from cv_reporter.entrypoints.observability import log_line

DAYS = 9
WITHIN_MS = 240_000


def handler(event: Event, context: object) -> dict[str, object]:
    """Compare the last days (`{"days": 9}`), today's unfinished one included."""
    began_ns = time.time_ns()
    given = services()
    today = utc_day(given.now_ms())
    days = [today - timedelta(days=n) for n in range(int(event.get("days", DAYS)))]
    result = given.reconciler.reconcile(days, within_ms=WITHIN_MS)
    settings, now_ms = given.settings, given.now_ms()
    overdue = wants_mail(settings.recipients, given.suppressions) and is_overdue(
        given.ledger, given.comparisons, now_ms, given.placement.time_zone
    )
    log_line(
        "reconcile",
        context,
        began_ns=began_ns,
        counts={"days": result.days, "compared": result.compared},
        metrics={
            "ReconciliationHealed": result.healed,
            "ReconciliationDaysNotCompared": result.days - result.compared,
            "ReportOverdue": int(overdue),
        },
        problem=result.problem,
        unfollowed=given.unfollowed,
    )
    return {"compared": result.compared, "healed": result.healed, "problem": result.problem}


warm(lambda: unread().reconciler)
