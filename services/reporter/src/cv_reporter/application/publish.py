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
    MailRefusedError,
    Outbox,
    OutboxEvent,
    Partition,
    Questions,
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
from cv_reporter.domain.calendar import (
    DAYS_PER_WEEK,
    Period,
    Week,
    day_start_ms,
    local_day,
    utc_days,
)
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
    with_questions,
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
    facts: Questions
    reports: ReportStore
    statuses: StatusStore
    suppressions: Suppressions
    annotations: AnnotationStore
    cv: CvStore
    comparisons: Comparisons
    dead_letters: DeadLetters
    time_zone: str
    policy: Policy
    clock: Clock

    def build(self, week: Week, comparison: Comparison | None = None) -> WeeklyReport:
        """The report of a week as of now, kept in the table.

        `comparison` is one that was just made; without it counts what the last one found.
        """
        report = self.preview(week, comparison)
        self.keep(report)
        return report

    def keep(self, report: WeeklyReport) -> None:
        """Keep a report in place of the one that is kept."""
        self.reports.put(stored(report, self.clock()))

    def preview(self, week: Week, comparison: Comparison | None = None) -> WeeklyReport:
        """The report of a week as of now, not kept.

        A week that is not over is compared with the same days of the week before.
        """
        this, before = Period.of_week(week), Period.of_week(week.minus(1))
        until = self._until(week)
        last = until or week.last
        summaries = self.summaries.between(before.first, last, quotes_from=this.first)
        same_days = Period(before.first, last - timedelta(days=DAYS_PER_WEEK))
        context = self._context(week, comparison or self.last_comparison(week))
        fresh = self._freshness(week, last, summaries)
        report = build_report(
            week,
            merged(summary for at, summary in summaries.items() if at.day in this),
            merged(summary for at, summary in summaries.items() if at.day in same_days),
            time_zone=self.time_zone,
            policy=self.policy,
            context=replace(context, freshness=fresh, until=until),
        )
        quoted = with_questions(report.actions, report.findings.gaps, self.facts.asked_at)
        return replace(report, actions=quoted)

    def has_begun(self, week: Week) -> bool:
        """Whether a question can have been asked in that week."""
        return week.first <= local_day(self.clock(), self.time_zone)

    def _until(self, week: Week) -> date | None:
        """Today, in a week that is not over."""
        today = local_day(self.clock(), self.time_zone)
        return max(today, week.first) if today <= week.last else None

    def _freshness(
        self, week: Week, last: date, summaries: Mapping[Partition, Summary]
    ) -> Freshness:
        """How fresh the data was on the last day; a quiet week is judged by nine more."""
        if not any(summary.last_event for at, summary in summaries.items() if at.day >= week.first):
            first = week.first - timedelta(days=QUIET_DAYS)
            summaries = self.summaries.between(first, last, quotes_from=last)
        days: dict[date, list[Summary]] = {}
        for at, summary in summaries.items():
            days.setdefault(at.day, []).append(summary)
        return freshness({day: merged(shards) for day, shards in days.items()}, last)

    def last_comparison(self, week: Week) -> Comparison:
        """What was compared of a week since it was over; nothing of one that is not."""
        if self._until(week):
            return Comparison()
        days = utc_days(Period.of_week(week), self.time_zone)
        ended = day_start_ms(week.last + timedelta(days=1), self.time_zone)
        return comparison_since(self.comparisons.last(), days, ended)

    def _context(self, week: Week, comparison: Comparison) -> Context:
        reasons = [stop.reason for stop in self.suppressions.all().values()]
        return Context(
            first_day=self.summaries.first_day(),
            statuses=self.statuses.all(),
            comparison=comparison,
            delivery=Delivery(reasons.count("bounce"), reasons.count("complaint")),
            coverage=self._coverage(week),
            effects=self._effects(week),
            dead_letters=self.dead_letters.waiting_if_known(),
        )

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
    return builder.preview(week, reconciler.reconcile(days, within_ms=RECONCILE_WITHIN_MS))


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


def stored(report: WeeklyReport, built_at: int) -> StoredReport:
    """A report as it is kept. Its version is its content: the same report is one version."""
    body = report_json(report)
    content = digest(body)
    return StoredReport(
        week=report.week,
        body=body,
        digest=content,
        questions=report.totals.questions,
        time_zone=report.time_zone,
        version=content,
        built_at=built_at,
        unfinished=report.until is not None,
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

    A crash or an error in between leaves the line `SENDING`: the mail may be out, so it is never
    sent again by itself; the owner resolves it. What is mailed is kept before, as a version that
    stays; a send that mails nobody replaces no report of a whole week.
    """

    mailer: Mailer
    ledger: Ledger
    reports: ReportStore
    suppressions: Suppressions
    outbox: Outbox
    recipients: tuple[str, ...]
    clock: Clock
    dashboard_link: Callable[[], str | None]
    unsubscribe_link: Callable[[str], str | None]

    def send(self, report: WeeklyReport, only: str | None = None) -> SendResult:
        """Send the report to each recipient (or `only` to one of them) that has not got it.

        The week's report is announced when it is over and no mail was refused.
        """
        suppressed = self.suppressions.all()
        wanted = [
            recipient
            for recipient in self.recipients
            if recipient not in suppressed and only in {None, recipient}
        ]
        letter = stored(report, self.clock())
        states = self._mailed(report, letter, wanted)
        result = SendResult(
            sent=states.count("SENT"),
            refused=states.count("REFUSED"),
            in_doubt=states.count("SENDING"),
            suppressed=len(suppressed.keys() & set(self.recipients)),
        )
        if not result.refused and not letter.unfinished:
            self._announce(letter, result.sent)
        return result

    def _mailed(
        self, report: WeeklyReport, letter: StoredReport, wanted: Sequence[str]
    ) -> list[str]:
        """The states that the recipients' lines have in the end."""
        until = str(report.until or "")
        lines = [line for line in self.ledger.every_line(report.week) if line.until == until]
        decided = {line.recipient: line.state for line in lines if line.state != "REFUSED"}
        if decided.keys() >= set(wanted):
            self.reports.put_first(letter)
            return [decided[recipient] for recipient in wanted]
        self.reports.put(letter)
        self.reports.put_letter(letter)
        link = self.dashboard_link()
        claim = Sending(report.week, "", "SENDING", version=letter.version, until=until)
        return [
            self._send_one(
                replace(claim, recipient=recipient), self._render(report, recipient, link)
            )
            for recipient in wanted
        ]

    def _render(self, report: WeeklyReport, recipient: str, link: str | None) -> Mail:
        unsubscribe = self.unsubscribe_link(recipient) or ""
        return Mail(
            recipient=recipient,
            subject=subject(report),
            html=render_html(report, link, unsubscribe),
            text=render_text(report, link, unsubscribe),
            unsubscribe=unsubscribe,
        )

    def _send_one(self, claim: Sending, mail: Mail) -> str:
        """The state that the recipient's line has in the end."""
        claim = replace(claim, since=self.clock())
        existing = self.ledger.begin(claim)
        if existing is not None:
            return existing.state
        try:
            message_id = self.mailer.send(mail)
        except MailRefusedError:
            self.ledger.close(replace(claim, state="REFUSED"))
            return "REFUSED"
        except UnavailableError:  # the mail may be out: the line stays, the others go on
            return "SENDING"
        self.ledger.close(replace(claim, state="SENT", message_id=message_id))
        return "SENT"

    def _announce(self, report: StoredReport, recipients: int) -> None:
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
                questions=report.questions,
                recipients=recipients,
                digest=report.digest,
            ),
        )
        kept_event = OutboxEvent(event.SOURCE, event.DETAIL_TYPE, event.to_json())
        self.outbox.add(report.week, kept_event)
