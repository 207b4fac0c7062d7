"""Forget a session or a question: facts, text in stored reports, and whatever comes later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
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
from cv_reporter.domain.fact import ANONYMOUS, FactKey, place_of

SERVICE = "reporter"


class Tombstones(Protocol):
    """Which sessions and questions are erased; kept without their ids."""

    def mark_session(self, session_id: str, questions: Iterable[str]) -> int:
        """Mark a session as erased and these questions as its own; returns how many in all."""
        ...

    def mark_question(self, request_id: str, *, known: bool) -> int:
        """Mark a question as erased, and whether it was known; returns 1 if it ever was, else 0."""
        ...


class Generation(Protocol):
    """Facts and what is made of them, under one layout."""

    @property
    def facts(self) -> FactStore:
        """Its facts."""
        ...

    @property
    def summariser(self) -> Summariser:
        """What recomputes its summaries."""
        ...


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases in an order that any crash can repeat: mark, scrub, remove, announce.

    The count is the size of a set that only grows, so a second run announces the same number. The
    days are recomputed here too, and not only by the stream some seconds later, and the reports
    scrubbed once more: one may just have been built from what the days said before.

    While the data is re-projected a question has a row in several generations. All are erased, and
    the question counts once.
    """

    generations: Sequence[Generation]
    reports: ReportStore
    quotes: Quotes
    tombstones: Tombstones
    outbox: Outbox

    def session(self, erasure: ErasureReading) -> int:
        """Erase a session; returns how many of its facts went, now or in an earlier try."""
        if erasure.session_id == ANONYMOUS:
            raise ValueError("anonymous questions belong to no session that could be erased")
        self.tombstones.mark_session(erasure.session_id, ())
        found = [(each, each.facts.of_session(erasure.session_id)) for each in self.generations]
        questions = {at.row.partition("#")[2] for _, rows in found for at in rows}
        count = self.tombstones.mark_session(erasure.session_id, questions)
        with self._forgetting(questions, found):
            for each, rows in found:
                each.facts.remove(erasure.session_id, rows)
        self._announce(erasure, count)
        return count

    def question(self, erasure: QuestionErasureReading) -> int:
        """Erase one question, whoever asked it; returns 1 if it was ever known here, else 0."""
        request_id = erasure.request_id
        self.tombstones.mark_question(request_id, known=False)
        times = erasure.asked_at
        found = [(each, each.facts.of_question(request_id, times)) for each in self.generations]
        known = any(rows for _, rows in found)
        count = self.tombstones.mark_question(request_id, known=known)
        with self._forgetting({request_id}, found):
            for each, rows in found:
                each.facts.remove_question(request_id, rows)
        self._announce(erasure, count)
        return count

    @contextmanager
    def _forgetting(
        self, questions: Set[str], found: Sequence[tuple[Generation, Sequence[FactKey]]]
    ) -> Iterator[None]:
        """Around the removal of rows: texts leave the reports before it, and summaries after."""
        self._scrub_reports(questions)
        yield
        for each, rows in found:
            each.summariser.refresh_all(_place(at) for at in rows)
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
    place = place_of(at.partition)
    return Partition(place.day, place.shard)
