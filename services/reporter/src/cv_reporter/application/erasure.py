"""Forget a session or a question: facts, text in stored reports, and whatever comes later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Protocol

from cv_contracts.events import (
    REPORTER_SOURCE,
    SessionErasureCompleted,
    SessionErasureCount,
)
from cv_contracts.tracing import trace_context

from cv_reporter.application.ports import (
    FactStore,
    Outbox,
    OutboxEvent,
    Partition,
    ReportStore,
)
from cv_reporter.application.quotes import Quotes
from cv_reporter.application.summarise import Summariser
from cv_reporter.application.wire.publication import event_id, iso_millis
from cv_reporter.application.wire.reading import ErasureReading, QuestionErasureReading
from cv_reporter.domain.fact import ANONYMOUS, FactKey

SERVICE = "reporter"


class Tombstones(Protocol):
    """Which sessions and questions are erased; kept without their ids."""

    def mark_session(self, session_id: str, rows: Iterable[FactKey]) -> int:
        """Mark a session as erased and these rows as its own; returns how many rows in all."""
        ...

    def mark_question(self, request_id: str, *, known: bool) -> int:
        """Mark a question as erased, and whether it was known; returns 1 if it ever was, else 0."""
        ...


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases in an order that any crash can repeat: mark, scrub, remove, announce.

    The count is the size of a set that only grows, so a second run announces the same number. The
    days are recomputed here too, and not only by the stream some seconds later, and the reports
    scrubbed once more: one may just have been built from what the days said before.
    """

    facts: FactStore
    summariser: Summariser
    reports: ReportStore
    quotes: Quotes
    tombstones: Tombstones
    outbox: Outbox

    def session(self, erasure: ErasureReading) -> int:
        """Erase a session; returns how many of its facts went, now or in an earlier try."""
        if erasure.session_id == ANONYMOUS:
            raise ValueError("anonymous questions belong to no session that could be erased")
        self.tombstones.mark_session(erasure.session_id, ())
        rows = self.facts.of_session(erasure.session_id)
        count = self.tombstones.mark_session(erasure.session_id, rows)
        questions = {at.row.partition("#")[2] for at in rows}
        self._forget(questions, rows, partial(self.facts.remove, erasure.session_id, rows))
        self._announce(erasure, count)
        return count

    def question(self, erasure: QuestionErasureReading) -> int:
        """Erase one question, whoever asked it; returns 1 if it was ever known here, else 0."""
        request_id = erasure.request_id
        self.tombstones.mark_question(request_id, known=False)
        rows = self.facts.of_question(request_id, erasure.asked_at)
        count = self.tombstones.mark_question(request_id, known=bool(rows))
        self._forget({request_id}, rows, partial(self.facts.remove_question, request_id, rows))
        self._announce(erasure, count)
        return count

    def _forget(
        self, questions: Set[str], rows: Iterable[FactKey], remove: Callable[[], None]
    ) -> None:
        self._scrub_reports(questions)
        remove()
        self.summariser.refresh_all(_place(at) for at in rows)
        self._scrub_reports(questions)

    def _scrub_reports(self, questions: Set[str]) -> None:
        """All of them are looked at: a correction may have moved a question to another week."""
        for report in self.reports.weeks() if questions else []:
            self.quotes.remove_from_report(report.week, questions)

    def _announce(self, erasure: ErasureReading | QuestionErasureReading, count: int) -> None:
        identity = event_id(SessionErasureCompleted.DETAIL_TYPE, erasure.erasure_id)
        event = SessionErasureCompleted(
            id=str(identity),
            source=REPORTER_SOURCE,
            type=SessionErasureCompleted.DETAIL_TYPE,
            subject=erasure.erasure_id,
            time=iso_millis(erasure.erased_at),
            dataschema=SessionErasureCompleted.schema_name(),
            traceparent=trace_context(erasure.erasure_id, identity.hex[:16]),
            data=SessionErasureCount(erasure_id=erasure.erasure_id, service=SERVICE, facts=count),
        )
        kept = OutboxEvent(event.SOURCE, event.DETAIL_TYPE, event.to_json())
        self.outbox.add(erasure.erasure_id, kept)


def _place(at: FactKey) -> Partition:
    _, day, shard = at.partition.split("#")
    return Partition(date.fromisoformat(day), int(shard))
