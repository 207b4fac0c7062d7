"""Ingest: each half of a batch into its correlation, with one conditional write per question.

The usual order needs no read. A write that was refused tells what stands there instead, and the
pure `merge` decides from that; a refusal may be our own earlier success, so nothing is ever
decided from the refusal alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cv_contracts.chatbot import read_chatbot_event_json
from cv_contracts.errors import reasons
from pydantic import ValidationError

from cv_processor.application.errors import UnacceptableError, UnavailableError, cause
from cv_processor.application.values import Deadline, Refused, Rejection
from cv_processor.application.wire.arrivals import Arrival, arrival_of
from cv_processor.domain.correlation import (
    MAX_PARKED,
    Correlation,
    Half,
    left_out,
    merge_all,
    newly_parked,
)

if TYPE_CHECKING:
    from cv_processor.application.ports import (
        CorrelationWriter,
        DeadlineQueue,
        ErasedSessions,
        RejectionQueue,
    )

TOO_MANY_CONFLICTS = f"{MAX_PARKED} conflicting events of this question are parked already"
"""Why a half is rejected that the limit of conflicts left out."""
MAX_ATTEMPTS = 5
"""Refused writes in a row before a question is left to the queue's next delivery."""


class Message(NamedTuple):
    """One message of the ingest queue. `attempt` counts its deliveries by hand, from 1."""

    message_id: str
    body: str
    attempt: int = 1


class Received(NamedTuple):
    """A message whose body is a chatbot event; `caller` is the chatbot's own `traceparent`."""

    message: Message
    arrival: Arrival
    caller: str | None


class Recorded(NamedTuple):
    """What became of one question's halves in this batch."""

    correlation: Correlation
    changed: bool
    parked: int = 0
    left_out: tuple[Half, ...] = ()


@dataclass(slots=True)
class IngestReport:
    """What became of a batch. `failed` (message id → reason) is delivered again.

    `callers` maps questions to the chatbot's own `traceparent`.
    """

    received: int
    recorded: int = 0
    repeated: int = 0
    conflicts: int = 0
    rejected: int = 0
    erased: int = 0
    requests: list[str] = field(default_factory=list)
    callers: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ingest:
    """The use case with its ports. Call it with a batch of messages."""

    correlations: CorrelationWriter
    deadlines: DeadlineQueue
    rejections: RejectionQueue
    erased: ErasedSessions
    executor: Executor
    grace_ms: int

    def __call__(self, messages: Sequence[Message]) -> IngestReport:
        """Take a batch in. Only what the report names as failed may be delivered again."""
        report = IngestReport(received=len(messages))
        received, rejections = _parse(messages)
        kept = [item for item in received if not self._is_erased(item.arrival)]
        report.erased = len(received) - len(kept)
        groups = _by_request(kept)
        report.requests.extend(groups)
        report.callers = {item.arrival.request_id: item.caller for item in kept if item.caller}
        recorded = self._record_all(groups, report, rejections)
        self._schedule_deadlines(recorded, groups, report)
        self._reject(rejections, report)
        return report

    def _is_erased(self, arrival: Arrival) -> bool:
        return self.erased.covers(arrival.request_id, arrival.session_id)

    def _record_all(
        self,
        groups: Mapping[str, Sequence[Received]],
        report: IngestReport,
        rejections: list[Rejection],
    ) -> list[Correlation]:
        """Write each question, side by side: their writes do not depend on one another."""
        done = []
        for group, outcome in zip(groups.values(), self._map(groups), strict=True):
            if isinstance(outcome, Recorded):
                excess = [item for item in group if item.arrival.half in outcome.left_out]
                rejections.extend(_rejection(item.message, TOO_MANY_CONFLICTS) for item in excess)
                _count(outcome, len(group) - len(excess), report)
                done.append(outcome.correlation)
            elif _may_pass(outcome):
                _fail(group, cause(outcome), report)
            else:
                reason = _reason(outcome)
                rejections.extend(_rejection(item.message, reason) for item in group)
        return done

    def _map(self, groups: Mapping[str, Sequence[Received]]) -> Iterable[Recorded | Exception]:
        if len(groups) == 1:  # no other to wait for, so no thread
            return [self._attempt(*group) for group in groups.items()]
        return self.executor.map(self._attempt, groups.keys(), groups.values())

    def _attempt(self, request_id: str, group: Sequence[Received]) -> Recorded | Exception:
        """One question's failure, whatever it is, must not hold up the others of the batch."""
        try:
            return record(self.correlations, request_id, [item.arrival.half for item in group])
        except Exception as error:  # noqa: BLE001 - becomes this group's failure or rejection
            return error

    def _schedule_deadlines(
        self,
        recorded: Iterable[Correlation],
        groups: Mapping[str, Sequence[Received]],
        report: IngestReport,
    ) -> None:
        """Before the input is acknowledged, so that no open question is without its deadline."""
        deadlines = [
            Deadline(item.request_id, item.query.at, item.query.at + self.grace_ms)
            for item in recorded
            if item.query is not None and not item.closed
        ]
        if not deadlines:
            return
        for request_id in self.deadlines.schedule(deadlines):
            _fail(groups[request_id], "DeadlineNotSent", report)

    def _reject(self, rejections: Sequence[Rejection], report: IngestReport) -> None:
        if not rejections:
            return
        refused = set(self.rejections.reject(rejections))
        report.rejected += len(rejections) - len(refused)
        report.failed.update(dict.fromkeys(refused, "RejectionNotSent"))


def record(store: CorrelationWriter, request_id: str, halves: Sequence[Half]) -> Recorded:
    """Write one question's halves: blind first, then from what a refusal showed.

    Raises `UnavailableError` when others keep changing the same question.
    """
    unknown = Correlation(request_id)
    target = merge_all(unknown, halves)
    parked = _park(store, unknown, target, halves)
    refused = _write_blind(store, target)
    for _ in range(MAX_ATTEMPTS):
        if refused is None:
            return Recorded(target, True, parked, left_out(target, halves))
        seen = refused.existing or unknown
        target = merge_all(seen, halves)
        if target == seen:
            return Recorded(target, False, left_out=left_out(target, halves))
        parked = _park(store, seen, target, halves)
        refused = store.replace(target, seen=seen) if refused.existing else store.insert(target)
    raise UnavailableError(f"{request_id} changed under {MAX_ATTEMPTS} writes in a row")


def _write_blind(store: CorrelationWriter, target: Correlation) -> Refused | None:
    """The usual order: insert what is new; a response alone closes the query that is there."""
    if target.query is None and target.response is not None and not target.parked:
        return store.answer(target.request_id, target.response)
    return store.insert(target)


def _park(
    store: CorrelationWriter, seen: Correlation, target: Correlation, halves: Iterable[Half]
) -> int:
    """Before the write that counts them: a crash in between leaves too much, never too little."""
    losers = newly_parked(seen, target, halves)
    for half in losers:
        store.park(target.request_id, half)
    return len(losers)


def _parse(messages: Iterable[Message]) -> tuple[list[Received], list[Rejection]]:
    received, rejections = [], []
    for message in messages:
        try:
            event = read_chatbot_event_json(message.body)
        except ValidationError as error:
            rejections.append(_rejection(message, "; ".join(reasons(error))))
        else:
            received.append(Received(message, arrival_of(event), event.traceparent))
    return received, rejections


def _may_pass(error: Exception) -> bool:
    """Whether another delivery may succeed. If not, waiting for it would hold up the whole message
    group, which for some producers is their whole queue."""
    return isinstance(error, UnavailableError) and not isinstance(error, UnacceptableError)


def _reason(error: Exception) -> str:
    """Our own errors name facts; of others, whose messages may quote the input, only the name."""
    known = isinstance(error, UnacceptableError)
    return str(error) if known else type(error).__name__


def _rejection(message: Message, reason: str) -> Rejection:
    return Rejection(message.message_id, message.body, reason, message.attempt)


def _by_request(received: Iterable[Received]) -> dict[str, list[Received]]:
    groups: dict[str, list[Received]] = defaultdict(list)
    for item in received:
        groups[item.arrival.request_id].append(item)
    return dict(groups)


def _count(outcome: Recorded, taken: int, report: IngestReport) -> None:
    report.conflicts += outcome.parked
    if outcome.changed:
        report.recorded += taken
    else:
        report.repeated += taken


def _fail(group: Iterable[Received], reason: str, report: IngestReport) -> None:
    report.failed.update({item.message.message_id: reason for item in group})
