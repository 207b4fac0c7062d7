"""Lambda: the table's stream → day summaries of each day and shard whose facts changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from cv_reporter.adapters.stream import (
    FACTS,
    LOCATORS,
    Record,
    by_day,
    by_generation,
    expired,
    gone,
    new_rows,
    question_of,
    sequence_number,
)
from cv_reporter.application.errors import cause
from cv_reporter.bootstrap import Generation, Services, reread, services, unread
from cv_reporter.entrypoints.batch import BatchAnswer, Event, failures, warm
from cv_reporter.entrypoints.observability import log_line

Step = tuple[str, Callable[[], None]]


def handler(event: Event, context: object) -> BatchAnswer:
    """Check new rows, then recompute; raises if nothing at all could be done."""
    began_ns = time.time_ns()
    records = event["Records"]
    failed: dict[str, Exception] = {}
    steps = list(_steps(by_generation(records)))
    for number, step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 (one day must not stop the others)
            failed.setdefault(number, error)
    causes = {number: cause(error) for number, error in failed.items()}
    numbers = {number for number, _ in steps}
    changed = by_day(records)
    log_line(
        "summarise",
        context,
        began_ns=began_ns,
        counts={"received": len(records), "days": len(changed)},
        requests=map(question_of, chain.from_iterable(changed.values())),
        failed=causes,
    )
    if failed and len(failed) == len(numbers):
        raise next(iter(failed.values()))
    return failures(causes)


def _steps(generations: Mapping[int, list[Record]]) -> Iterator[Step]:
    """What the changes call for, each step with the first record that calls for it.

    Summaries before reports: a report that is built meanwhile must not quote what is gone.
    """
    given = _knowing(generations)
    known = {
        number: (generation, records)
        for number, records in generations.items()
        if (generation := given.generation_of(number))
    }
    for generation, records in known.values():
        check(generation, [record for record in records if not expired(record)])
    for generation, records in known.values():
        yield from _of_summaries(generation, records)
    for generation, records in known.values():
        # a question stays in the others when a generation is removed
        if not generation.removed:
            yield from _of_reports(generation, records)


def _knowing(generations: Iterable[int]) -> Services:
    """Services whose layout is as new as the records.

    A generation that even the stored layout has not is removed: its records call for nothing.
    """
    given = services()
    return given if all(map(given.generation_of, generations)) else reread()


def _of_summaries(generation: Generation, records: Sequence[Record]) -> Iterator[Step]:
    for at, changes in by_day(record for record in records if not expired(record)).items():
        yield sequence_number(changes[0]), partial(generation.summariser.refresh, at)
    for at, changes in by_day(filter(expired, records)).items():
        yield sequence_number(changes[0]), partial(generation.quotes.remove_from_summary, at)


def _of_reports(generation: Generation, records: Sequence[Record]) -> Iterator[Step]:
    for at, changes in gone(records).items():
        questions = frozenset(map(question_of, changes))
        remove = partial(generation.quotes.remove_from_report_of, at.day, questions)
        yield sequence_number(changes[0]), remove


def check(generation: Generation, records: Sequence[Record]) -> None:
    """Let the guard look at new rows and at locators."""
    if rows := new_rows(records, FACTS):
        generation.guard.check_rows(rows)
    for locator in new_rows(records, LOCATORS):
        generation.guard.check_locator(locator)


def _ready() -> object:
    current = unread().current
    return current.guard, current.summariser, current.quotes


warm(_ready)
