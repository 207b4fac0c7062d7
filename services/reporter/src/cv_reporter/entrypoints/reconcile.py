"""Scheduler → reconciliation with the Processor, every night."""

from __future__ import annotations

from datetime import timedelta

from cv_reporter.bootstrap import clock, reconciler
from cv_reporter.domain.calendar import utc_day
from cv_reporter.entrypoints._lambda import Event, log, metric, warm

DAYS = 9
WITHIN_MS = 240_000

warm(reconciler)


def handler(event: Event, _context: object) -> dict[str, object]:
    """Compare the last days (`{"days": 9}`), today's unfinished one included."""
    compare = reconciler()
    if compare is None:
        log("not reconciled: no address of the Processor configured")
        return {"problem": "no address of the Processor configured"}
    today = utc_day(clock()())
    days = [today - timedelta(days=n) for n in range(int(event.get("days", DAYS)))]
    result = compare.reconcile(days, within_ms=WITHIN_MS)
    metric("ReconciliationHealed", result.healed)
    metric("ReconciliationDaysNotCompared", result.days - result.compared)
    log(
        "reconciled",
        days=result.days,
        compared=result.compared,
        healed=result.healed,
        problem=result.problem,
    )
    return {"compared": result.compared, "healed": result.healed, "problem": result.problem}
