"""Lambda: the weekly report of the system before. Today's builder and publisher, other summaries.

There is no dashboard, so the mail has no link to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Week, last_complete_week

from cv_pragmatic.summaries import made_summaries


def handler(event: Mapping[str, Any], _: object) -> dict[str, object]:
    """Report the week before today, or the week that the event names (`{"week": "2025-W46"}`)."""
    given = services()
    named = event.get("week")
    zone = given.settings.time_zone
    week = Week.parse(named) if named else last_complete_week(given.now_ms(), zone)
    builder = replace(given.report_builder, summaries=made_summaries(given))
    publisher = replace(given.publisher, dashboard_link=_no_link, unsubscribe_link=_no_link)
    report = builder.build(week)
    result = publisher.send(report)
    return {"week": str(week), "sent": result.sent, "questions": report.totals.questions}


def _no_link(*_: object) -> None:
    return None
