"""Build a week's report, keep it, and send it: once to each recipient, whatever crashes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cv_contracts.events import REPORTER_SOURCE, ReportPublication, ReportPublished
from cv_contracts.tracing import trace_context

from cv_reporter.application.errors import UnavailableError
from cv_reporter.application.ports import (
    AnnotationStore,
    Clock,
    Comparisons,
    CvStore,
    DeadLetters,
    LastComparison,
    Ledger,
    Mail,
    Mailer,
    MailRefused,
    Outbox,
    OutboxEvent,
    Partition,
    ReportStore,
    Sending,
    StatusStore,
    StoredReport,
    SummaryStore,
    Suppressions,
)
from cv_reporter.application.wire.content import digest
from cv_reporter.application.wire.documents import report_json
from cv_reporter.application.wire.publication import event_id, iso_millis
from cv_reporter.domain.annotation import EFFECT_DAYS, Annotation, effect
from cv_reporter.domain.calendar import Period, Week, day_start_ms, utc_days
from cv_reporter.domain.freshness import Freshness, freshness
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.report import (
    COVERAGE_DAYS,
    Comparison,
    Context,
    Coverage,
    Delivery,
    Effect,
    WeeklyReport,
    build_report,
)
from cv_reporter.domain.summary import Summary, merged
from cv_reporter.presentation.mail import render_html, render_text, subject

if TYPE_CHECKING:  # Monday's report does without
    from cv_reporter.application.reconcile import Reconciler

QUIET_DAYS = 63
"""So far back the last question before a week without any is looked for."""

RECONCILE_WITHIN_MS = 20_000
"""Somebody waits for a report on demand; the report states which days were not compared by then."""


@dataclass(frozen=True, slots=True)
class ReportBuilder:
    """Builds weekly reports from summaries."""

    summaries: SummaryStore
    reports: ReportStore
    statuses: StatusStore
    suppressions: Suppressions
    annotations: AnnotationStore
    cv: CvStore
    comparisons: Comparisons
    dead_letters: DeadLetters
    time_zone: str
    policy: Policy

    def build(self, week: Week, comparison: Comparison | None = None) -> WeeklyReport:
        """The report of a week as of now, kept in the table.

        `comparison` is one that was just made; without it counts what the last one found.
        """
        report = self.preview(week, comparison or self.last_comparison(week))
        self.reports.put(stored(report))
        return report

    def preview(self, week: Week, comparison: Comparison | None = None) -> WeeklyReport:
        """The report of a week as of now, not kept."""
        this, before = Period.of_week(week), Period.of_week(week.minus(1))
        summaries = self.summaries.between(before.first, this.last, quotes_from=this.first)
        context = self._context(week, comparison or Comparison())
        return build_report(
            week,
            merged(summary for at, summary in summaries.items() if at.day in this),
            merged(summary for at, summary in summaries.items() if at.day in before),
            time_zone=self.time_zone,
            policy=self.policy,
            context=replace(context, freshness=self._freshness(week, summaries)),
        )

    def _freshness(self, week: Week, summaries: Mapping[Partition, Summary]) -> Freshness:
        """How fresh the data was when the week ended; a quiet week is judged by nine more."""
        if not any(summary.last_event for at, summary in summaries.items() if at.day >= week.first):
            first = week.first - timedelta(days=QUIET_DAYS)
            summaries = self.summaries.between(first, week.last, quotes_from=week.last)
        days: dict[date, list[Summary]] = {}
        for at, summary in summaries.items():
            days.setdefault(at.day, []).append(summary)
        return freshness({day: merged(shards) for day, shards in days.items()}, week.last)

    def last_comparison(self, week: Week) -> Comparison:
        """What was compared of a week since it was over: what Monday's report tells of it."""
        days = utc_days(Period.of_week(week), self.time_zone)
        ended = day_start_ms(week.last + timedelta(days=1), self.time_zone)
        return comparison_since(self.comparisons.last(), days, ended)

    def _context(self, week: Week, comparison: Comparison) -> Context:
        reasons = list(self.suppressions.all().values())
        return Context(
            first_day=self.summaries.first_day(),
            statuses=self.statuses.all(),
            comparison=comparison,
            delivery=Delivery(reasons.count("bounce"), reasons.count("complaint")),
            coverage=self._coverage(week),
            effects=self._effects(week),
            dead_letters=self._dead_letters(),
        )

    def _dead_letters(self) -> int | None:
        """About how many events wait there; `None` if the queue does not say."""
        try:
            return self.dead_letters.waiting()
        except UnavailableError:
            return None

    def _coverage(self, week: Week) -> Coverage | None:
        """Which skills of the CV nobody asked about; only read if there is a list."""
        listed = self.cv.skills()
        if not listed:
            return None
        first = week.last - timedelta(days=COVERAGE_DAYS - 1)
        asked = {name.casefold() for name in self.summaries.asked(first, week.last)}
        never = tuple(name for name in listed if name.casefold() not in asked)
        return Coverage(len(listed), never)

    def _effects(self, week: Week) -> tuple[Effect, ...]:
        """The notes of the last four weeks with what they changed; only read if there are some."""
        oldest = week.last - timedelta(days=EFFECT_DAYS)
        recent = [note for note in self.annotations.all() if oldest <= note.day <= week.last]
        return effects(recent, self.summaries, until=week.last)


def built_now(week: Week, builder: ReportBuilder, reconciler: Reconciler) -> WeeklyReport:
    """A report on demand: its week, of whatever age, is compared with the Processor first."""
    days = utc_days(Period.of_week(week), builder.time_zone)
    return builder.build(week, reconciler.reconcile(days, within_ms=RECONCILE_WITHIN_MS))


def comparison_since(last: LastComparison | None, days: Sequence[date], ended: int) -> Comparison:
    """What was compared of a period's UTC days since they ended at `ended` (UTC ms).

    A comparison that began before saw less than there is now, and counts for nothing.
    """
    if last is None:
        return Comparison()
    done = [day for day in days if day in last.days and last.days[day].at >= ended]
    if not done and last.at < ended:
        return Comparison(len(days), problem="nothing was compared since the week ended")
    healed = sum(last.days[day].fetched for day in done)
    problem = last.comparison.problem or "the last comparison was of other days"
    return Comparison(len(days), len(done), healed, None if len(done) == len(days) else problem)


def effects(
    notes: Sequence[Annotation], summaries: SummaryStore, *, until: date
) -> tuple[Effect, ...]:
    """Notes with the answers before and after them, from one read of all the days that matter."""
    measured = [note for note in notes if note.skill]
    found: dict[Partition, Summary] = {}
    if measured:
        last = min(until, max(note.after.last for note in measured))
        found = summaries.between(min(note.before.first for note in measured), last)
    days = [(at.day, summary) for at, summary in found.items()]
    return tuple(effect(note, days) for note in notes)


def stored(report: WeeklyReport) -> StoredReport:
    """A report as it is kept."""
    body = report_json(report)
    return StoredReport(
        week=report.week,
        body=body,
        digest=digest(body),
        questions=report.totals.questions,
        time_zone=report.time_zone,
    )


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of a week's mail: how many are sent in all, refused now, or in doubt."""

    sent: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Publisher:
    """Sends reports. The ledger line is written before the mail, and closed after it.

    A crash in between leaves the line `SENDING`: the mail may be out, so it is never sent again by
    itself; an operator resolves it.
    """

    mailer: Mailer
    ledger: Ledger
    suppressions: Suppressions
    outbox: Outbox
    recipients: tuple[str, ...]
    clock: Clock
    dashboard_link: Callable[[], str | None]
    unsubscribe_link: Callable[[str], str | None]

    def send(self, report: WeeklyReport) -> SendResult:
        """Send the report to each recipient that has not got it, then announce it."""
        suppressed = self.suppressions.all()
        wanted = [recipient for recipient in self.recipients if recipient not in suppressed]
        link = self.dashboard_link()
        mails = [self._render(report, recipient, link) for recipient in wanted]
        states = [self._send_one(report.week, mail) for mail in mails]
        result = SendResult(
            sent=states.count("SENT"),
            refused=states.count("REFUSED"),
            in_doubt=states.count("SENDING"),
            suppressed=len(self.recipients) - len(wanted),
        )
        if not result.refused:
            self._announce(report, result.sent)
        return result

    def _render(self, report: WeeklyReport, recipient: str, link: str | None) -> Mail:
        unsubscribe = self.unsubscribe_link(recipient) or ""
        return Mail(
            recipient=recipient,
            subject=subject(report),
            html=render_html(report, link, unsubscribe),
            text=render_text(report, link, unsubscribe),
            unsubscribe=unsubscribe,
        )

    def _send_one(self, week: str, mail: Mail) -> str:
        """The state that the recipient's line has in the end."""
        existing = self.ledger.begin(week, mail.recipient, self.clock())
        if existing is not None:
            return existing.state
        claimed = Sending(week, mail.recipient, "SENDING", since=self.clock())
        try:
            message_id = self.mailer.send(mail)
        except MailRefused:
            self.ledger.close(replace(claimed, state="REFUSED"))
            return "REFUSED"
        self.ledger.close(replace(claimed, state="SENT", message_id=message_id))
        return "SENT"

    def _announce(self, report: WeeklyReport, recipients: int) -> None:
        report_row = stored(report)
        identity = event_id(ReportPublished.DETAIL_TYPE, report.week)
        event = ReportPublished(
            id=str(identity),
            source=REPORTER_SOURCE,
            type=ReportPublished.DETAIL_TYPE,
            subject=report.week,
            time=iso_millis(self.clock()),
            dataschema=ReportPublished.schema_name(),
            traceparent=trace_context(report.week, identity.hex[:16]),
            data=ReportPublication(
                week=report.week,
                time_zone=report.time_zone,
                questions=report.totals.questions,
                recipients=recipients,
                digest=report_row.digest,
            ),
        )
        kept_event = OutboxEvent(event.SOURCE, event.DETAIL_TYPE, event.to_json())
        self.outbox.add(report.week, kept_event)
