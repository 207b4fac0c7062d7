"""Settings and clients in, use cases out: the one module that knows all concrete classes.

A cold start is imports. So what not every function needs is imported by the property that makes it,
down to the stores: the relay has no store of facts, and `summarise` no contracts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.adapters.layout_store import DynamoGenerations, DynamoLayout
from cv_reporter.adapters.table import Table
from cv_reporter.application.known_layout import KnownLayout
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import oldest_whole_day
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.layout import Layout, remark
from cv_reporter.domain.policy import Policy
from cv_reporter.settings import Settings

if TYPE_CHECKING:
    from cv_reporter.adapters.comparison_store import DynamoComparisons
    from cv_reporter.adapters.dashboard_store import DynamoEndedSessions, DynamoShares
    from cv_reporter.adapters.dead_letters import DeadLetterQueue
    from cv_reporter.adapters.eventbridge import EventBridgeBus
    from cv_reporter.adapters.fact_store import DynamoFactStore
    from cv_reporter.adapters.guard import Guard
    from cv_reporter.adapters.owner_store import DynamoAnnotations, DynamoCv, DynamoStatuses
    from cv_reporter.adapters.report_store import (
        DynamoLedger,
        DynamoOutbox,
        DynamoReportStore,
        DynamoSuppressions,
    )
    from cv_reporter.adapters.summary_store import DynamoSummaryStore
    from cv_reporter.application.archive import Archive
    from cv_reporter.application.dashboard import Dashboard
    from cv_reporter.application.dashboard_ports import Erasures
    from cv_reporter.application.erasure import Eraser
    from cv_reporter.application.generations import EveryGeneration
    from cv_reporter.application.notes import Notes
    from cv_reporter.application.project import Projector
    from cv_reporter.application.publish import Publisher, ReportBuilder
    from cv_reporter.application.queries import Queries
    from cv_reporter.application.quotes import Quotes
    from cv_reporter.application.reconcile import Reconciler
    from cv_reporter.application.reproject import Reprojection
    from cv_reporter.application.summarise import Summariser
    from cv_reporter.application.wire.arrivals import AudienceRules
    from cv_reporter.domain.calendar import Week
    from cv_reporter.domain.report import WeeklyReport


@dataclass(frozen=True)
class Generation:
    """The facts of one layout, and all that is made of them."""

    table: Table
    placement: Placement
    retention_days: int
    policy: Policy
    reports: DynamoReportStore
    removed: bool = False
    """Whether its rows are being removed: no summary of it may be made anew."""

    @cached_property
    def facts(self) -> DynamoFactStore:
        """Its facts."""
        from cv_reporter.adapters.fact_store import DynamoFactStore

        return DynamoFactStore(self.table, self.placement, self.retention_days)

    @cached_property
    def summaries(self) -> DynamoSummaryStore:
        """Its day summaries."""
        from cv_reporter.adapters.summary_store import DynamoSummaryStore

        return DynamoSummaryStore(self.table, self.placement)

    @cached_property
    def summariser(self) -> Summariser:
        """What recomputes its day summaries."""
        from cv_reporter.application.summarise import Summariser

        return Summariser(
            self.facts, self.summaries, self.placement, self.policy, creates=not self.removed
        )

    @cached_property
    def guard(self) -> Guard:
        """What removes rows that should not be there."""
        from cv_reporter.adapters.guard import Guard

        return Guard(self.table, self.placement)

    @cached_property
    def quotes(self) -> Quotes:
        """What takes texts out of its summaries, and out of reports."""
        from cv_reporter.application.quotes import Quotes

        return Quotes(self.summaries, self.reports)


@dataclass(frozen=True)
class Services:
    """The use cases of all functions and what they need, each made when it is first asked for."""

    settings: Settings
    client: Callable[[str], Any]
    """The AWS client of a service."""
    client_without_retries: Callable[[str], Any]
    """One that makes each call once."""
    given_layout: Layout | None = None
    """The layout to follow; without one, as it is stored when it is first needed."""

    @classmethod
    def of_environment(cls) -> Self:
        """With the settings of the environment and clients of this process."""
        return cls(Settings.read(), client, client_without_retries)

    def now_ms(self) -> int:
        """The time, in UTC milliseconds."""
        return int(time.time() * 1_000)

    @cached_property
    def policy(self) -> Policy:
        """What counts as enough, as late, as a gap."""
        return load_policy()

    @cached_property
    def wish(self) -> Placement:
        """How the settings say that facts should be laid out. The stored layout rules."""
        return Placement(self.settings.time_zone, self.settings.shards)

    @cached_property
    def known_layout(self) -> KnownLayout:
        """The stored layout, as young as this process has to know it."""
        return KnownLayout(DynamoLayout(self.table), self.wish, time.time)

    @cached_property
    def layout(self) -> Layout:
        """How facts are laid out, as one invocation or request sees it."""
        return self.given_layout or self.known_layout.now()

    def follows_the_stored_layout(self) -> bool:
        """Whether what was made is of the layout that is stored, as far as it is known."""
        if "layout" not in vars(self):
            return True
        return self.known_layout.now() == self.layout

    @property
    def placement(self) -> Placement:
        """How the facts are laid out that are read."""
        return self.layout.current

    @property
    def unfollowed(self) -> str:
        """What an owner has to know about settings that are not followed; empty if they are."""
        return remark(self.layout, self.wish)

    def generation(self, placement: Placement) -> Generation:
        """The facts of one layout and all that is made of them."""
        known = self._generations.get(placement)
        if known is None:
            known = self._generations[placement] = Generation(
                self.table,
                placement,
                self.settings.retention_days,
                self.policy,
                self.report_store,
                removed=placement == self.layout.old,
            )
        return known

    @cached_property
    def _generations(self) -> dict[Placement, Generation]:
        return {}

    @property
    def current(self) -> Generation:
        """The generation that is read."""
        return self.generation(self.placement)

    def generation_of(self, number: int) -> Generation | None:
        """A generation that has rows; `None` of one that is removed or of a newer layout."""
        found = (each for each in self.layout.present if each.generation == number)
        return next(map(self.generation, found), None)

    @cached_property
    def recorded(self) -> EveryGeneration:
        """The facts, to be written to every generation that is written."""
        from cv_reporter.application.generations import EveryGeneration

        written = [self.generation(each).facts for each in self.layout.written]
        return EveryGeneration(lambda: self.known_layout.settle(self.layout), written)

    @cached_property
    def audience(self) -> AudienceRules:
        """Who is not a visitor."""
        from cv_reporter.application.wire.arrivals import AudienceRules

        return AudienceRules(self.settings.owner_sessions)

    @cached_property
    def table(self) -> Table:
        """The Reporter's table."""
        return Table(self.client("dynamodb"), self.settings.table_name)

    @property
    def fact_store(self) -> DynamoFactStore:
        """The facts that are read."""
        return self.current.facts

    @property
    def summary_store(self) -> DynamoSummaryStore:
        """The day summaries that are read."""
        return self.current.summaries

    @cached_property
    def report_store(self) -> DynamoReportStore:
        """The reports that were built."""
        from cv_reporter.adapters.report_store import DynamoReportStore

        return DynamoReportStore(self.table)

    @cached_property
    def ledger(self) -> DynamoLedger:
        """Which mails were begun, and what became of them."""
        from cv_reporter.adapters.report_store import DynamoLedger

        return DynamoLedger(self.table)

    @cached_property
    def suppressions(self) -> DynamoSuppressions:
        """Addresses that get no more mail."""
        from cv_reporter.adapters.report_store import DynamoSuppressions

        return DynamoSuppressions(self.table)

    @cached_property
    def comparisons(self) -> DynamoComparisons:
        """What the last comparison with the Processor found."""
        from cv_reporter.adapters.comparison_store import DynamoComparisons

        return DynamoComparisons(self.table)

    @cached_property
    def statuses(self) -> DynamoStatuses:
        """What the owner decided about gaps."""
        from cv_reporter.adapters.owner_store import DynamoStatuses

        return DynamoStatuses(self.table)

    @cached_property
    def annotations(self) -> DynamoAnnotations:
        """The owner's dated notes."""
        from cv_reporter.adapters.owner_store import DynamoAnnotations

        return DynamoAnnotations(self.table)

    @cached_property
    def cv(self) -> DynamoCv:
        """The skills that the CV lists."""
        from cv_reporter.adapters.owner_store import DynamoCv

        return DynamoCv(self.table)

    @cached_property
    def outbox(self) -> DynamoOutbox:
        """Events to publish."""
        from cv_reporter.adapters.report_store import DynamoOutbox

        return DynamoOutbox(self.table)

    @cached_property
    def shares(self) -> DynamoShares:
        """The dashboard's share links."""
        from cv_reporter.adapters.dashboard_store import DynamoShares

        return DynamoShares(self.table)

    @cached_property
    def ended_sessions(self) -> DynamoEndedSessions:
        """The dashboard's sign-ins that were ended."""
        from cv_reporter.adapters.dashboard_store import DynamoEndedSessions

        return DynamoEndedSessions(self.table)

    @cached_property
    def bus(self) -> EventBridgeBus:
        """The Reporter's own bus."""
        from cv_reporter.adapters.eventbridge import EventBridgeBus

        return EventBridgeBus(self.client("events"), self.settings.bus_name)

    @cached_property
    def dead_letters(self) -> DeadLetterQueue:
        """The facts DLQ."""
        from cv_reporter.adapters.dead_letters import DeadLetterQueue

        settings = self.settings
        return DeadLetterQueue(self.client("sqs"), settings.facts_dlq_url, settings.facts_queue_url)

    @property
    def summariser(self) -> Summariser:
        """Recomputes the day summaries that are read."""
        return self.current.summariser

    @cached_property
    def projector(self) -> Projector:
        """Projects the Processor's events."""
        from cv_reporter.application.project import Projector

        return Projector(self.recorded, lambda: self.eraser, self.audience)

    @cached_property
    def eraser(self) -> Eraser:
        """Forgets sessions and questions."""
        from cv_reporter.adapters.tombstone_store import DynamoTombstones
        from cv_reporter.application.erasure import Eraser

        return Eraser(
            [self.generation(each) for each in self.layout.present],
            self.report_store,
            self.current.quotes,
            DynamoTombstones(self.table),
            self.outbox,
        )

    @cached_property
    def reconciler(self) -> Reconciler:
        """Compares with the Processor."""
        from cv_reporter.adapters.processor_api import ProcessorApi
        from cv_reporter.application.reconcile import Reconciler

        return Reconciler(
            self.recorded,
            ProcessorApi(self.processor_address, self.audience),
            self.summariser,
            self.placement,
            self.now_ms,
            self.comparisons,
        )

    @cached_property
    def erasures(self) -> Erasures:
        """Erasing sessions and questions, which the Processor does."""
        from cv_reporter.adapters.dashboard_erasures import ProcessorErasures

        return ProcessorErasures(self.processor_address)

    @cached_property
    def report_builder(self) -> ReportBuilder:
        """Builds weekly reports."""
        from cv_reporter.application.publish import ReportBuilder

        return ReportBuilder(
            summaries=self.summary_store,
            facts=self.fact_store,
            reports=self.report_store,
            statuses=self.statuses,
            suppressions=self.suppressions,
            annotations=self.annotations,
            cv=self.cv,
            comparisons=self.comparisons,
            dead_letters=self.dead_letters,
            time_zone=self.placement.time_zone,
            policy=self.policy,
            clock=self.now_ms,
        )

    def report_now(self, week: Week) -> WeeklyReport:
        """A report on demand, compared with the Processor first; not kept."""
        from cv_reporter.application.publish import built_now

        return built_now(week, self.report_builder, self.reconciler)

    @cached_property
    def publisher(self) -> Publisher:
        """Sends weekly reports."""
        from cv_reporter.adapters.ses import SesMailer
        from cv_reporter.application.publish import Publisher

        mailer = SesMailer(
            self.client_without_retries("sesv2"),
            self.settings.sender,
            self.settings.configuration_set,
        )
        return Publisher(
            mailer=mailer,
            ledger=self.ledger,
            reports=self.report_store,
            suppressions=self.suppressions,
            outbox=self.outbox,
            recipients=self.settings.recipients,
            clock=self.now_ms,
            dashboard_link=self.dashboard_link,
            unsubscribe_link=self.unsubscribe_link,
        )

    @cached_property
    def archive(self) -> Archive:
        """The weeks, their reports and who got them."""
        from cv_reporter.application.archive import Archive

        return Archive(
            reports=self.report_store,
            ledger=self.ledger,
            summaries=self.summary_store,
            suppressions=self.suppressions,
            recipients=self.settings.recipients,
            clock=self.now_ms,
            time_zone=self.placement.time_zone,
        )

    @cached_property
    def queries(self) -> Queries:
        """Reads over summaries."""
        from cv_reporter.application.queries import Queries

        return Queries(
            self.fact_store, self.summary_store, self.statuses, self.placement, self.policy
        )

    @cached_property
    def notes(self) -> Notes:
        """The owner's annotations, decisions and CV list."""
        from cv_reporter.application.notes import Notes

        return Notes(
            self.annotations,
            self.statuses,
            self.cv,
            self.summary_store,
            self.now_ms,
            self.placement.time_zone,
        )

    @cached_property
    def dashboard(self) -> Dashboard:
        """What the dashboard reads."""
        from cv_reporter.adapters.dashboard_store import DynamoFactReader
        from cv_reporter.adapters.dashboard_summaries import RememberedSummaries
        from cv_reporter.application.dashboard import Dashboard

        return Dashboard(
            summaries=RememberedSummaries(self.summary_store),
            statuses=self.statuses,
            annotations=self.annotations,
            comparisons=self.comparisons,
            facts=self.fact_store,
            questions=self.fact_store,
            reader=DynamoFactReader(self.table),
            placement=self.placement,
            policy=self.policy,
        )

    def reprojection(
        self, wait: Callable[[int], None], progress: Callable[[str], None]
    ) -> Reprojection:
        """Changes the stored layout to the wished one; `wait` takes seconds."""
        from cv_reporter.application.reproject import Reprojection

        return Reprojection(
            layouts=DynamoLayout(self.table),
            rows=DynamoGenerations(self.table),
            generation=self.generation,
            wish=self.wish,
            oldest_whole_day=self.oldest_whole_day,
            policy=self.policy,
            wait=wait,
            progress=progress,
        )

    def oldest_whole_day(self, time_zone: str) -> date:
        """The first day of which no fact is past the retention."""
        return oldest_whole_day(self.now_ms(), self.settings.retention_days, time_zone)

    def dashboard_link(self) -> str:
        """A fresh signed link to the dashboard. Raises `UnavailableError`."""
        from cv_reporter.application.entry import LINK_DAYS, signed_link

        return signed_link(self.own_address(), self.dashboard_key(), self.now_ms(), days=LINK_DAYS)

    def unsubscribe_link(self, recipient: str) -> str:
        """The link that ends the mails to a recipient. Raises `UnavailableError`."""
        from cv_reporter.application.entry import unsubscribe_link

        return unsubscribe_link(self.own_address(), self.dashboard_key(), self.now_ms(), recipient)

    @cached_property
    def dashboard_key(self) -> Callable[[], str]:
        """The key that signs links and cookies."""
        from cv_reporter.adapters.secrets import GeneratedKey

        return GeneratedKey.of_parameter(self.client("ssm"), self.settings.dashboard_key_parameter)

    @cached_property
    def own_address(self) -> Callable[[], str]:
        """Where this API is."""
        return self._parameter(self.settings.api_url_parameter)

    @cached_property
    def processor_address(self) -> Callable[[], str]:
        """Where the Processor's API is."""
        return self._parameter(self.settings.processor_api_parameter)

    def _parameter(self, name: str) -> Callable[[], str]:
        from cv_reporter.adapters.secrets import StoredText

        return StoredText.of_parameter(self.client("ssm"), name)


@dataclass(slots=True)
class _Process:
    """What a process keeps from one invocation or request to the next."""

    services: Services | None = None


_PROCESS: Final = _Process()
_ONE: Final[ContextVar[list[Services] | None]] = ContextVar("one", default=None)


def services() -> Services:
    """Those of this process: made once, and anew when the stored layout has changed.

    Within `one_layout` they are the same at every call. Raises `UnavailableError`.
    """
    one = _ONE.get()
    if one is None:
        return _current()
    if not one:
        one.append(_current())
    return one[0]


def _current() -> Services:
    kept = _PROCESS.services
    _PROCESS.services = _following(kept) if kept else Services.of_environment()
    return _PROCESS.services


def _following(given: Services) -> Services:
    """These, or others like them if the layout is not the one any more that they were made for."""
    return given if given.follows_the_stored_layout() else replace(given)


@contextmanager
def one_layout(given: Services | None = None) -> Iterator[None]:
    """Have `services()` answer the same throughout: `given`, or what it answers first."""
    token = _ONE.set([given] if given else [])
    try:
        yield
    finally:
        _ONE.reset(token)


def reread() -> Services:
    """Those of this process, or of what `one_layout` is about, under the layout as it is now."""
    given = services()
    given.known_layout.expire()
    fresh = _following(given)
    if (one := _ONE.get()) is not None:
        one[:] = [fresh]
    else:
        _PROCESS.services = fresh
    return fresh


def unread() -> Services:
    """Those of this process under the wished layout. Nothing is read for them: to be made ready
    before an event comes."""
    made = Services.of_environment()
    return replace(made, given_layout=Layout(made.wish))


def forget() -> None:
    """Make the services of this process anew, with the settings as they are by then."""
    _PROCESS.services = None
