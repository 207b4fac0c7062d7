"""Lambda: the usual wrong ways to write two tables, to see that a check detects each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from cv_processor.application.values import Deadline
from cv_processor.entrypoints.batch import BatchAnswer, Event, failures

from cv_pragmatic.dual import ingests, message_of


class NoDeadlines:
    """Sends no deadline, and says that all are sent."""

    def schedule(self, deadlines: Sequence[Deadline]) -> Collection[str]:  # noqa: ARG002 (as the port has it)
        """Nothing."""
        return ()


def fire_and_forget(event: Event, _: object) -> BatchAnswer:
    """Acknowledge what the first table has, whatever became of the second write."""
    messages = [message_of(record) for record in event["Records"]]
    first, *others = ingests()
    failed = first(messages).failed
    for use_case in others:
        with suppress(Exception):
            use_case(messages)
    return failures(failed)


def muted_deadlines(event: Event, _: object) -> BatchAnswer:
    """The second run sends no deadlines: one for each question seems to be enough."""
    messages = [message_of(record) for record in event["Records"]]
    first, *others = ingests()
    failed = dict(first(messages).failed)
    for use_case in others:
        failed |= replace(use_case, deadlines=NoDeadlines())(messages).failed
    return failures(failed)
