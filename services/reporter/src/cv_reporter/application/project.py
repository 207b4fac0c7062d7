"""Project a batch of the Processor's events into facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cv_contracts import events as wire

from cv_reporter.application.errors import cause
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.reading import (
    CompletedReading,
    ErasedReading,
    ErasureReading,
    QuestionErasedReading,
    QuestionErasureReading,
)
from cv_reporter.domain.fact import Fact


class UnknownEventError(ValueError):
    """An event that the Reporter did not subscribe to."""


class Eraser(Protocol):
    """Forgets sessions and single questions."""

    def session(self, erasure: ErasureReading) -> int:
        """Erase a session; returns how many facts went."""
        ...

    def question(self, erasure: QuestionErasureReading) -> int:
        """Erase a question; returns how many facts went."""
        ...


class Facts(Protocol):
    """Where facts are written."""

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact; says for each why it could not be written."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """What became of a batch. `failed` maps ids of messages to their `cause`."""

    recorded: int
    """Messages whose fact is stored, now or before."""
    erasures: int
    requests: tuple[str, ...]
    failed: dict[str, str]


@dataclass(frozen=True, slots=True)
class Projector:
    """Turns events into facts, and erasures into nothing. `eraser` is asked for at an erasure."""

    facts: Facts
    eraser: Callable[[], Eraser]
    rules: AudienceRules

    def project(self, events: Mapping[str, Mapping[str, Any]]) -> ProjectReport:
        """Handle EventBridge events by message id.

        Of several revisions of a question in one batch only the newest is written.
        """
        failures: dict[str, Exception] = {}
        parsed: dict[str, Fact] = {}
        for message_id, event in events.items():
            try:
                fact = self._read(event)
            except Exception as error:  # noqa: BLE001 (one bad message must not stop the others)
                failures[message_id] = error
            else:
                parsed |= {message_id: fact} if fact else {}
        unrecorded = self._record(parsed)
        return ProjectReport(
            recorded=len(parsed) - len(unrecorded),
            erasures=len(events) - len(failures) - len(parsed),
            requests=tuple(fact.request_id for fact in parsed.values()),
            failed={name: cause(error) for name, error in (failures | unrecorded).items()},
        )

    def _read(self, event: Mapping[str, Any]) -> Fact | None:
        """The fact of an event; an erasure is done at once and has none."""
        kind = event.get("detail-type")
        if kind == wire.CorrelationCompleted.DETAIL_TYPE:
            return to_fact(CompletedReading.model_validate(event["detail"]).data, self.rules)
        if kind == wire.SessionErased.DETAIL_TYPE:
            self.eraser().session(ErasedReading.model_validate(event["detail"]).data)
            return None
        # looked up here and not imported: contracts before 1.5.0 have no such event
        if kind == wire.QuestionErased.DETAIL_TYPE:
            self.eraser().question(QuestionErasedReading.model_validate(event["detail"]).data)
            return None
        raise UnknownEventError("an event of this detail-type is not projected")

    def _record(self, facts: Mapping[str, Fact]) -> dict[str, Exception]:
        newest: dict[str, Fact] = {}
        for fact in facts.values():
            if fact.revision >= newest.get(fact.request_id, fact).revision:
                newest[fact.request_id] = fact
        results = dict(zip(newest, self.facts.record(list(newest.values())), strict=True))
        return {
            message_id: error
            for message_id, fact in facts.items()
            if (error := results[fact.request_id]) is not None
        }
