"""Lambda: the table's stream → day summaries of each day and shard whose facts changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain

from cv_reporter.adapters.stream import (
    FACTS,
    LOCATORS,
    Record,
    by_day,
    expired,
    new_rows,
    request_ids,
    sequence_number,
)
from cv_reporter.application.errors import cause
from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line


def handler(event: Event, context: object) -> BatchAnswer:
    """Check new rows, then recompute; raises if nothing at all could be recomputed."""
    began_ns = time.time_ns()
    records = [record for record in event["Records"] if not expired(record)]
    check(records)
    changed = by_day(records)
    failed: dict[Partition, Exception] = {}
    for at in changed:
        try:
            services().summariser.refresh(at)
        except Exception as error:  # noqa: BLE001 (one day must not stop the others)
            failed[at] = error
    causes = {sequence_number(changed[at][0]): cause(error) for at, error in failed.items()}
    counts = {"received": len(event["Records"]), "days": len(changed)}
    log_line(
        "summarise",
        context,
        began_ns=began_ns,
        counts=counts,
        requests=request_ids(chain.from_iterable(changed.values())),
        failed=causes,
    )
    if failed and len(failed) == len(changed):
        raise next(iter(failed.values()))
    return failures(causes)


def check(records: Iterable[Record]) -> None:
    """Let the guard look at new rows and at locators."""
    records = list(records)
    if rows := new_rows(records, FACTS):
        services().guard.check_rows(rows)
    for locator in new_rows(records, LOCATORS):
        services().guard.check_locator(locator)


warm(lambda: (services().guard, services().summariser))
