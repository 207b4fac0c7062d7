"""The path of one question through both services, from what anybody outside can read of it.

`diagnose` decides from the evidence alone; `tools.observe.evidence` gathers it. No text is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from cv_contracts.chatbot import canonical_id
from cv_contracts.events import CorrelationCompleted

# The Processor gives up on an answer after 15 minutes; its deadlines are gathered for a minute.
CLOSED_WITHIN_MS: Final = 17 * 60_000
# Relay, rule and projection: what the objective allows.
ARRIVES_WITHIN_MS: Final = 2 * 60_000
# Besides, a day's changes are gathered for five minutes before its summary is made again.
SUMMARISED_WITHIN_MS: Final = 7 * 60_000
# The same state is always published under the same id.
EVENT_IDS: Final = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor")
# A question's erasure has one receipt, however often it is asked for.
ERASURE_IDS: Final = uuid5(NAMESPACE_URL, "urn:cv-analytics:processor:erasure-of-question")
# Fields of a log line that say what was decided, in the order of reading.
DECISIONS: Final = (
    "EventsRecorded", "repeated", "conflicts", "of_erased_sessions", "EventsRejected",
    "closed", "EventsPublished", "FactsRecorded", "erasures", "days", "status",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A log line that names the question. `took_ms` is Lambda's own, of the invocation."""

    at_ms: int
    service: str
    fields: dict[str, Any]
    took_ms: float | None = None

    @property
    def function(self) -> str:
        """`processor ingest`."""
        return f"{self.service} {self.fields.get('function', '?')}"


@dataclass(frozen=True)
class DeadLetter:
    """A message of a dead-letter queue that names the question."""

    queue: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """`correlation` and `fact` are what the APIs answer; `None` means 404.

    `erased`: there is a receipt of this very question's erasure, whatever became of it before.
    `summarised` is the first line of `summarise` since the fact was projected. It names days alone.
    """

    lines: tuple[Line, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    correlation: dict[str, Any] | None = None
    fact: dict[str, Any] | None = None
    conflicts: int = 0
    trace_id: str = ""
    summarised: Line | None = None
    erased: bool = False

    def seen(self, function: str) -> int | None:
        """When a function first handled the question without failing on it; `None` if never."""
        times = [line.at_ms for line in self.lines if line.function == function]
        return min(times, default=None)


@dataclass(frozen=True)
class Verdict:
    """What became of a question; `missing` is the hop that should have been there by now."""

    state: str
    missing: str | None = None


def diagnose(evidence: Evidence, now_ms: int) -> Verdict:
    """What became of the question, and which hop is missing at `now_ms`."""
    if evidence.letters:
        return _parked(evidence)
    if evidence.correlation is None:
        return _without_correlation(evidence, now_ms)
    return _closed(evidence, now_ms)


def _parked(evidence: Evidence) -> Verdict:
    letter = evidence.letters[0]
    if letter.reason:
        return Verdict(f"rejected: {letter.reason}")
    hop = letter.queue.removesuffix(".fifo").removesuffix("-dlq").removesuffix("-failures")
    return Verdict(f"stuck in {letter.queue}", hop)


def _without_correlation(evidence: Evidence, now_ms: int) -> Verdict:
    if evidence.erased:
        return Verdict("erased: somebody asked for the erasure of this question")
    taken = evidence.seen("processor ingest")
    if taken is None:
        accepted = evidence.seen("processor api")
        if accepted is None:
            return Verdict("unknown: never seen, or its logs are over", "processor ingest")
        return _late("accepted", "processor ingest", accepted, now_ms, ARRIVES_WITHIN_MS)
    if evidence.seen("processor relay") is not None or evidence.fact is not None:
        return Verdict("erased: it was closed before, and is not there any more")
    if any(line.fields.get("of_erased_sessions") for line in evidence.lines):
        return Verdict("erased: its session was erased before it came")
    return _late(
        "open: it waits for its answer", "processor expire", taken, now_ms, CLOSED_WITHIN_MS
    )


def _closed(evidence: Evidence, now_ms: int) -> Verdict:
    assert evidence.correlation is not None
    outcome = evidence.correlation["outcome"]
    state = "expired: no answer in time" if outcome == "no_response" else f"answered: {outcome}"
    if evidence.conflicts:
        state += f", conflicting: {evidence.conflicts} other events are parked"
    if evidence.fact is not None and evidence.fact["revision"] >= evidence.correlation["revision"]:
        return _projected(state, evidence, now_ms)
    last = max((line.at_ms for line in evidence.lines), default=0)
    for hop in ("processor relay", "reporter project"):
        if evidence.seen(hop) is None:
            return _late(state, hop, last, now_ms, ARRIVES_WITHIN_MS)
    return _late(state, "reporter api", last, now_ms, ARRIVES_WITHIN_MS)


def _projected(state: str, evidence: Evidence, now_ms: int) -> Verdict:
    """The fact is there; without a log line of its projection it is an old one."""
    projected = last_projected(evidence.lines)
    if projected is None or evidence.summarised is not None:
        return Verdict(state)
    return _late(state, "reporter summarise", projected, now_ms, SUMMARISED_WITHIN_MS)


def last_projected(lines: Iterable[Line]) -> int | None:
    """When the question was projected last."""
    times = [line.at_ms for line in lines if line.function == "reporter project"]
    return max(times, default=None)


def event_id(request_id: str, revision: int) -> UUID:
    """The id of the event that reports a revision."""
    return uuid5(EVENT_IDS, f"{request_id}#{CorrelationCompleted.DETAIL_TYPE}#{revision}")


def erasure_id(request_id: str) -> UUID:
    """The id of the receipt of a question's erasure."""
    return uuid5(ERASURE_IDS, canonical_id(request_id))


def _late(state: str, hop: str, since_ms: int, now_ms: int, allowed_ms: int) -> Verdict:
    """The hop is missing if it had its time."""
    return Verdict(state, hop if now_ms - since_ms > allowed_ms else None)


def page(request_id: str, evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """One screen: a line a hop, then what became of it."""
    yield f"question  {request_id}" + (f"   trace {evidence.trace_id}" if evidence.trace_id else "")
    yield from _hops(evidence)
    if evidence.correlation:
        revision = evidence.correlation["revision"]
        events = ", ".join(f"{event_id(request_id, n + 1)}" for n in range(revision))
        yield f"{'':12}  {'processor has it':<20} revision {revision}, events {events}"
    if evidence.fact:
        yield f"{'':12}  {'reporter has it':<20} revision {evidence.fact.get('revision', '?')}"
    for letter in evidence.letters:
        yield f"{'':12}  {letter.queue:<20} {letter.reason or 'its attempts ran out'}"
    yield f"state     {verdict.state}"
    if verdict.missing:
        yield f"missing   {verdict.missing}"


def _hops(evidence: Evidence) -> Iterator[str]:
    """A line a hop, in time. What failed is attempted again: the next line is the next attempt."""
    attempts: dict[str, int] = {}
    lines = [*evidence.lines, *([evidence.summarised] if evidence.summarised else [])]
    for line in sorted(lines, key=lambda line: line.at_ms):
        attempt = attempts.get(line.function, 1)
        attempts[line.function] = attempt + 1 if line.fields.get("failed") else 1
        yield _row(line, attempt)


def _row(line: Line, attempt: int) -> str:
    clock = datetime.fromtimestamp(line.at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    took = line.fields.get("duration_ms") if line.took_ms is None else line.took_ms
    shown = f"{took:.0f} ms" if isinstance(took, int | float) else ""
    return (
        f"{clock:<12}  {line.function:<20} {shown:>8}  attempt {attempt}"
        f"  {decided(line.fields)}  {line.fields.get('aws_request_id') or ''}"
    )


def decided(fields: dict[str, Any]) -> str:
    """What a line says was decided, of its whole batch; metrics are lists in log lines."""
    values = {name: _number(fields[name]) for name in DECISIONS if name in fields}
    words = [f"{name} {value}" for name, value in values.items() if value]
    return ", ".join([*words, *_failures(fields.get("failed") or {})]) or "nothing new"


def _failures(failed: dict[str, str]) -> Sequence[str]:
    return sorted({f"failed: {cause}" for cause in failed.values()})


def _number(value: Any) -> Any:
    return int(sum(value)) if isinstance(value, list) else value
