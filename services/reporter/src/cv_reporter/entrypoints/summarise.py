"""Lambda: the table's stream → day summaries of each day and shard whose facts changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from cv_reporter.adapters.stream import (
    FACTS,
    LOCATORS,
    Record,
    by_day,
    expired,
    gone,
    new_rows,
    question_of,
    sequence_number,
)
from cv_reporter.application.errors import cause
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line


def handler(event: Event, context: object) -> BatchAnswer:
    """Check new rows, then recompute; raises if nothing at all could be done."""
    records = event["Records"]
    check(record for record in records if not expired(record))
    failed: dict[str, Exception] = {}
    steps = list(_steps(records))
    for number, step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 (one day must not stop the others)
            failed.setdefault(number, error)
    causes = {number: cause(error) for number, error in failed.items()}
    numbers = {number for number, _ in steps}
    log_line(
        "summarise",
        context,
        counts={"received": len(records), "days": len(by_day(records))},
        failed=causes,
    )
    if failed and len(failed) == len(numbers):
        raise next(iter(failed.values()))
    return failures(causes)


def _steps(records: Sequence[Record]) -> Iterator[tuple[str, Callable[[], None]]]:
    """What the changes call for, each step with the first record that calls for it.

    Summaries before reports: a report that is built meanwhile must not quote what is gone.
    """
    given = services()
    for at, changes in by_day(record for record in records if not expired(record)).items():
        yield sequence_number(changes[0]), partial(given.summariser.refresh, at)
    for at, changes in by_day(filter(expired, records)).items():
        yield sequence_number(changes[0]), partial(given.quotes.remove_from_summary, at)
    for at, changes in gone(records).items():
        questions = frozenset(map(question_of, changes))
        remove = partial(given.quotes.remove_from_report_of, at.day, questions)
        yield sequence_number(changes[0]), remove


def check(records: Iterable[Record]) -> None:
    """Let the guard look at new rows and at locators."""
    records = list(records)
    if rows := new_rows(records, FACTS):
        services().guard.check_rows(rows)
    for locator in new_rows(records, LOCATORS):
        services().guard.check_locator(locator)


warm(lambda: (services().guard, services().summariser, services().quotes))
