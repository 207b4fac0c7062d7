"""What the use cases need from the world. Adapters implement these; tests pass fakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # every function imports this module, and few of them need the report's
    from cv_reporter.domain.annotation import Annotation
    from cv_reporter.domain.fact import Fact, FactKey
    from cv_reporter.domain.report import Comparison, GapStatus
    from cv_reporter.domain.summary import Summary


class Partition(NamedTuple):
    """A day's facts in one shard: what is summarised as one."""

    day: date
    shard: int


class Questions(Protocol):
    """The facts, by the time of asking."""

    def asked_at(self, asked_at: int) -> list[Fact]:
        """The facts of the questions that were asked at that very millisecond (UTC)."""
        ...


class FactStore(Protocol):
    """The facts, one row per question."""

    def record(self, facts: Sequence[Fact]) -> list[Exception | None]:
        """Write each fact unless its row has this revision or a later one already.

        Independent writes go out together. The result tells for each fact why it could not be
        written, `None` if it is stored (now or before).
        """
        ...

    def of(self, partition: Partition) -> list[Fact]:
        """The facts of a day and shard in order, read consistently."""
        ...

    def asked(self, request_id: str, asked_at: int) -> Fact | None:
        """The fact of a question that was asked at that time (UTC milliseconds)."""
        ...

    def of_session(self, session_id: str) -> list[FactKey]:
        """Where a session's facts are."""
        ...

    def of_question(self, request_id: str, times: Iterable[int]) -> list[FactKey]:
        """Where a question's facts are that was asked at one of these times (UTC milliseconds)."""
        ...

    def newest_first(self, at: Partition, before: str | None = None) -> Iterator[Fact]:
        """The facts of a day and shard, newest first, read page by page as they are taken.

        `before` is a row (`fact.row`); that one and later ones are left out.
        """
        ...

    def remove(self, session_id: str, keys: Iterable[FactKey]) -> None:
        """Remove rows, if they are there and the session's."""
        ...

    def remove_question(self, request_id: str, keys: Iterable[FactKey]) -> None:
        """Remove a question's rows, whichever session's they are, and what says where they are."""
        ...


class SummaryStore(Protocol):
    """The day summaries, one item per day and shard."""

    def version(self, partition: Partition) -> int:
        """How often the summary was written; 0 = never."""
        ...

    def put(self, partition: Partition, summary: Summary, seen_version: int) -> bool:
        """Store the summary, unless another writer was faster (`False`)."""
        ...

    def between(
        self, first: date, last: date, *, quotes_from: date | None = None
    ) -> dict[Partition, Summary]:
        """The summaries of all shards of these days.

        Those of days before `quotes_from` need nothing but counts.
        """
        ...

    def asked(self, first: date, last: date) -> frozenset[str]:
        """The names of the skills that visitors asked about on these days."""
        ...

    def first_day(self) -> date | None:
        """The earliest day that has a summary."""
        ...


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as kept: its canonical JSON, and the digest of that.

    `version` names what was built, whatever an erasure takes out of it later; a report kept before
    there were versions has none. `built_at` is UTC milliseconds. An `unfinished` one was built
    before its week was over.
    """

    week: str
    body: str
    digest: str
    questions: int
    time_zone: str
    version: str = ""
    built_at: int = 0
    unfinished: bool = False


class ReportStore(Protocol):
    """The weekly reports as they were built, and each version of one that was mailed."""

    def put(self, report: StoredReport) -> None:
        """Keep a report; a rebuilt one replaces the former."""
        ...

    def put_first(self, report: StoredReport) -> None:
        """Keep a report unless one of its whole week is kept."""
        ...

    def put_letter(self, report: StoredReport) -> None:
        """Keep a version that is mailed, for good; the same version is kept once."""
        ...

    def get(self, week: str) -> StoredReport | None:
        """A week's report."""
        ...

    def letter(self, week: str, version: str) -> StoredReport | None:
        """A version that was mailed."""
        ...

    def weeks(self) -> list[StoredReport]:
        """All reports, newest first, without their bodies."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered e-mail, for one recipient."""

    recipient: str
    subject: str
    html: str
    text: str
    unsubscribe: str = ""


class MailRefusedError(Exception):
    """The mail was certainly not sent; sending it again later is safe."""


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> str:
        """Send one mail once; returns its message id. Raises `MailRefusedError` if surely not sent.

        Any other exception leaves open whether it was sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """A line of the send ledger. States: `SENDING`, `SENT`, `REFUSED`.

    `version` is that of the report; lines of before there were versions have none. A mail that
    went out before its week was over has the day up to which it counts as `until`: it is a mail of
    its own, and does not stand in the way of the whole week's.
    """

    week: str
    recipient: str
    state: str
    message_id: str = ""
    since: int = 0
    version: str = ""
    until: str = ""


class Ledger(Protocol):
    """Who got which week's mail. A line is begun before, and closed after, a mail is sent."""

    def begin(self, sending: Sending) -> Sending | None:
        """Claim the sending; `None` = claimed, else the line that stands in the way."""
        ...

    def close(self, sending: Sending) -> None:
        """Record what became of a claimed sending."""
        ...

    def resolve(self, doubtful: Sending, state: str) -> bool:
        """Record what became of one in doubt; `False` if it is not in doubt any more."""
        ...

    def lines(self, week: str) -> list[Sending]:
        """The lines of the whole week's mail."""
        ...

    def every_line(self, week: str) -> list[Sending]:
        """A week's lines, those of mails before it was over too."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Why no mail goes to an address (`bounce`, `complaint` or `unsubscribed`), since when."""

    reason: str
    since: int


class Suppressions(Protocol):
    """Addresses that mail must not be sent to any more."""

    def add(self, address: str, reason: str, now_ms: int) -> None:
        """Suppress an address. `reason` is `bounce`, `complaint` or `unsubscribed`."""
        ...

    def remove(self, address: str) -> bool:
        """Let mail go to an address again; says whether it was suppressed."""
        ...

    def all(self) -> dict[str, Stop]:
        """The addresses, each with why and since when."""
        ...


class Outbox(Protocol):
    """Events to publish, kept in the table until its stream carries them to the bus."""

    def add(self, event_key: str, event: OutboxEvent) -> bool:
        """Keep an event once; `False` if one of that key is kept already."""
        ...


class Bus(Protocol):
    """The Reporter's event bus."""

    def publish(self, events: Sequence[OutboxEvent]) -> set[int]:
        """Publish events; returns the places of those that were refused."""
        ...


class OutboxEvent(NamedTuple):
    """An event as kept in the outbox."""

    source: str
    detail_type: str
    detail: str


class StatusStore(Protocol):
    """What the owner decided about gaps."""

    def all(self) -> dict[str, GapStatus]:
        """Every status by skill."""
        ...

    def put(self, status: GapStatus) -> None:
        """Set a skill's status."""
        ...


class AnnotationStore(Protocol):
    """The owner's dated notes."""

    def all(self) -> list[Annotation]:
        """Every annotation, oldest first."""
        ...

    def put(self, annotation: Annotation) -> None:
        """Keep an annotation; the same one twice is kept once."""
        ...

    def remove(self, annotation_id: str) -> bool:
        """Remove an annotation; says whether there was one."""
        ...


class CvStore(Protocol):
    """The skills that the owner's CV lists."""

    def skills(self) -> tuple[str, ...]:
        """The list; empty if none was given."""
        ...

    def set_skills(self, skills: Sequence[str]) -> None:
        """Replace the list."""
        ...


class DeadLetters(Protocol):
    """The queue of events that could not be projected."""

    def waiting_if_known(self) -> int | None:
        """About how many; `None` if the queue does not say."""
        ...


class ProcessorError(Exception):
    """The Processor could not be asked. The message names why, never any content."""


class OldProcessorError(ProcessorError):
    """The deployed Processor does not have what was asked for; a later version does."""


class RemoteDay(NamedTuple):
    """A UTC day as the Processor knows it."""

    correlations: int
    digest: str


class Processor(Protocol):
    """The Processor's API."""

    def day(self, day: date) -> RemoteDay:
        """Count and digest of a UTC day. Raises `ProcessorError`."""
        ...

    def facts(self, day: date) -> Iterable[Fact]:
        """The questions asked on a UTC day. Raises `ProcessorError`."""
        ...


class ComparedDay(NamedTuple):
    """When the run began (UTC ms) that last got through a UTC day, and what it fetched of it."""

    at: int
    fetched: int


class LastComparison(NamedTuple):
    """The last comparison with the Processor, when it ended (UTC ms), and the UTC days that were
    compared lately, by it or by one before it."""

    comparison: Comparison
    at: int
    days: Mapping[date, ComparedDay]


class Comparisons(Protocol):
    """What the last comparison with the Processor found, whoever made it."""

    def put(self, compared: LastComparison) -> None:
        """Keep it in place of the one before."""
        ...

    def last(self) -> LastComparison | None:
        """It, if there ever was one."""
        ...


class Clock(Protocol):
    """The time."""

    def __call__(self) -> int:
        """UTC milliseconds."""
        ...
