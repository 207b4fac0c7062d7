"""Wires the use cases to AWS: the one place that knows the concrete classes.

What a function does not use is imported only where it is built, for a cold start is imports.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.table import Table
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.policy import load_policy
from cv_reporter.settings import Settings

if TYPE_CHECKING:
    from cv_reporter.adapters.guard import Guard
    from cv_reporter.adapters.report_store import DynamoReportStore
    from cv_reporter.adapters.summary_store import DynamoSummaryStore
    from cv_reporter.application.dashboard import Dashboard
    from cv_reporter.application.dashboard_ports import Erasures, ShareStore
    from cv_reporter.application.erase import SessionEraser
    from cv_reporter.application.notes import Notes
    from cv_reporter.application.ports import Clock, Ledger, Secrets, Suppressions
    from cv_reporter.application.project import Projector
    from cv_reporter.application.publish import Publisher, ReportBuilder
    from cv_reporter.application.queries import Queries
    from cv_reporter.application.reading import ErasureReading
    from cv_reporter.application.reconcile import Reconciler
    from cv_reporter.application.relay import Relay
    from cv_reporter.application.summarise import Summariser
    from cv_reporter.domain.calendar import Week
    from cv_reporter.domain.report import WeeklyReport


@cache
def settings() -> Settings:
    """The settings, read once."""
    return Settings.read()


@cache
def table() -> Table:
    """The Reporter's table."""
    return Table(client("dynamodb"), settings().table)


def placement() -> Placement:
    """How facts are laid out."""
    return Placement(settings().time_zone, settings().shards)


@cache
def fact_store() -> DynamoFactStore:
    """The facts."""
    return DynamoFactStore(table(), placement(), settings().retention_days)


@cache
def summary_store() -> DynamoSummaryStore:
    """The day summaries."""
    from cv_reporter.adapters.summary_store import DynamoSummaryStore  # noqa: PLC0415

    return DynamoSummaryStore(table(), settings().shards)


@cache
def summariser() -> Summariser:
    """Recomputes day summaries."""
    from cv_reporter.application.summarise import Summariser  # noqa: PLC0415

    return Summariser(fact_store(), summary_store(), settings().time_zone, load_policy())


@cache
def guard() -> Guard:
    """Removes rows that should not be there."""
    from cv_reporter.adapters.guard import Guard  # noqa: PLC0415

    return Guard(table())


@cache
def projector() -> Projector:
    """Projects the Processor's events."""
    from cv_reporter.application.intake import AudienceRules  # noqa: PLC0415
    from cv_reporter.application.project import Projector  # noqa: PLC0415

    def erase(erasure: ErasureReading) -> int:
        return session_eraser()(erasure)

    return Projector(fact_store(), erase, AudienceRules(settings().owner_sessions))


@cache
def session_eraser() -> SessionEraser:
    """Forgets sessions; built for the first erasure, which few containers see."""
    from cv_reporter.adapters.report_store import DynamoOutbox, DynamoReportStore  # noqa: PLC0415
    from cv_reporter.adapters.tombstones import DynamoTombstones  # noqa: PLC0415
    from cv_reporter.application.erase import SessionEraser  # noqa: PLC0415

    return SessionEraser(
        fact_store(),
        summariser(),
        DynamoReportStore(table()),
        DynamoTombstones(table()),
        DynamoOutbox(table()),
    )


@cache
def relay() -> Relay:
    """Publishes the outbox."""
    from cv_reporter.adapters.messaging import EventBridgeBus  # noqa: PLC0415
    from cv_reporter.application.relay import Relay  # noqa: PLC0415

    return Relay(EventBridgeBus(client("events"), settings().bus))


def clock() -> Clock:
    """The system's clock."""
    from time import time_ns  # noqa: PLC0415

    return lambda: time_ns() // 1_000_000


@cache
def reconciler() -> Reconciler | None:
    """Compares with the Processor; `None` where its address is not configured."""
    if not settings().processor_api_parameter:
        return None
    from cv_reporter.adapters.processor_api import ProcessorApi  # noqa: PLC0415
    from cv_reporter.adapters.report_store import DynamoComparisons  # noqa: PLC0415
    from cv_reporter.application.intake import AudienceRules  # noqa: PLC0415
    from cv_reporter.application.reconcile import Reconciler  # noqa: PLC0415

    processor = ProcessorApi(
        lambda: secrets().parameter(settings().processor_api_parameter),
        AudienceRules(settings().owner_sessions),
    )
    return Reconciler(
        fact_store(), processor, summariser(), placement(), clock(), DynamoComparisons(table())
    )


@cache
def report_store() -> DynamoReportStore:
    """The reports that were built."""
    from cv_reporter.adapters.report_store import DynamoReportStore  # noqa: PLC0415

    return DynamoReportStore(table())


@cache
def report_builder() -> ReportBuilder:
    """Builds weekly reports."""
    from cv_reporter.adapters.messaging import FactsDeadLetters  # noqa: PLC0415
    from cv_reporter.adapters.owner_store import (  # noqa: PLC0415
        DynamoAnnotations,
        DynamoCv,
        DynamoStatuses,
    )
    from cv_reporter.adapters.report_store import (  # noqa: PLC0415
        DynamoComparisons,
        DynamoSuppressions,
    )
    from cv_reporter.application.publish import ReportBuilder  # noqa: PLC0415

    dlq = settings().facts_dlq_url

    return ReportBuilder(
        summaries=summary_store(),
        reports=report_store(),
        statuses=DynamoStatuses(table()),
        suppressions=DynamoSuppressions(table()),
        annotations=DynamoAnnotations(table()),
        cv=DynamoCv(table()),
        comparisons=DynamoComparisons(table()),
        dead_letters=FactsDeadLetters(client("sqs"), dlq) if dlq else None,
        time_zone=settings().time_zone,
        policy=load_policy(),
    )


def report_now(week: Week) -> WeeklyReport:
    """Builds a report on demand, compared with the Processor if one is linked."""
    from cv_reporter.application.publish import built_now  # noqa: PLC0415

    return built_now(week, report_builder(), reconciler())


@cache
def ledger() -> Ledger:
    """Which mails were begun, and what became of them."""
    from cv_reporter.adapters.report_store import DynamoLedger  # noqa: PLC0415

    return DynamoLedger(table())


@cache
def publisher() -> Publisher:
    """Sends weekly reports."""
    from cv_reporter.adapters.messaging import SesMailer  # noqa: PLC0415
    from cv_reporter.adapters.report_store import (  # noqa: PLC0415
        DynamoOutbox,
        DynamoSuppressions,
    )
    from cv_reporter.application.publish import Publisher  # noqa: PLC0415

    return Publisher(
        mailer=SesMailer(
            client_without_retries("sesv2"), settings().sender, settings().configuration_set
        ),
        ledger=ledger(),
        suppressions=DynamoSuppressions(table()),
        outbox=DynamoOutbox(table()),
        recipients=settings().recipients,
        clock=clock(),
        dashboard_link=dashboard_link,
        unsubscribe_link=unsubscribe_link,
    )


@cache
def queries() -> Queries:
    """Reads over summaries."""
    from cv_reporter.adapters.owner_store import DynamoStatuses  # noqa: PLC0415
    from cv_reporter.application.queries import Queries  # noqa: PLC0415

    return Queries(
        fact_store(), summary_store(), DynamoStatuses(table()), placement(), load_policy()
    )


@cache
def notes() -> Notes:
    """The owner's annotations, decisions and CV list."""
    from cv_reporter.adapters.owner_store import (  # noqa: PLC0415
        DynamoAnnotations,
        DynamoCv,
        DynamoStatuses,
    )
    from cv_reporter.application.notes import Notes  # noqa: PLC0415

    return Notes(
        DynamoAnnotations(table()),
        DynamoStatuses(table()),
        DynamoCv(table()),
        summary_store(),
        clock(),
        settings().time_zone,
    )


@cache
def suppressions() -> Suppressions:
    """Addresses that get no more mail."""
    from cv_reporter.adapters.report_store import DynamoSuppressions  # noqa: PLC0415

    return DynamoSuppressions(table())


@cache
def dashboard() -> Dashboard:
    """What the dashboard reads."""
    from cv_reporter.adapters.dashboard_store import DynamoFactReader  # noqa: PLC0415
    from cv_reporter.adapters.dashboard_summaries import RememberedSummaries  # noqa: PLC0415
    from cv_reporter.adapters.owner_store import (  # noqa: PLC0415
        DynamoAnnotations,
        DynamoStatuses,
    )
    from cv_reporter.adapters.report_store import DynamoComparisons  # noqa: PLC0415
    from cv_reporter.application.dashboard import Dashboard  # noqa: PLC0415

    return Dashboard(
        summaries=RememberedSummaries(summary_store()),
        statuses=DynamoStatuses(table()),
        annotations=DynamoAnnotations(table()),
        comparisons=DynamoComparisons(table()),
        facts=fact_store(),
        reader=DynamoFactReader(table()),
        placement=placement(),
        policy=load_policy(),
    )


@cache
def shares() -> ShareStore:
    """The dashboard's share links."""
    from cv_reporter.adapters.dashboard_store import DynamoShares  # noqa: PLC0415

    return DynamoShares(table())


@cache
def erasures() -> Erasures | None:
    """Erasing sessions; `None` where the Processor's address is not configured."""
    if not settings().processor_api_parameter:
        return None
    from cv_reporter.adapters.dashboard_erasures import ProcessorErasures  # noqa: PLC0415

    return ProcessorErasures(lambda: secrets().parameter(settings().processor_api_parameter))


@cache
def secrets() -> Secrets:
    """Parameters and secrets."""
    from cv_reporter.adapters.secrets import AwsSecrets  # noqa: PLC0415

    return AwsSecrets()


def dashboard_key() -> str:
    """The key that signs links and cookies."""
    return secrets().secret(settings().dashboard_key_arn)


def dashboard_link() -> str | None:
    """A fresh signed link to the dashboard, if key and address are configured and at hand."""
    from cv_reporter.application.entry import LINK_DAYS, signed_link  # noqa: PLC0415

    known = settings()
    if not (known.dashboard_key_arn and known.api_url_parameter):
        return None
    address = secrets().parameter(known.api_url_parameter)
    return signed_link(address, dashboard_key(), clock()(), days=LINK_DAYS)


def unsubscribe_link(recipient: str) -> str | None:
    """The link that ends the mails to a recipient, if key and address are configured."""
    from cv_reporter.application import entry  # noqa: PLC0415

    known = settings()
    if not (known.dashboard_key_arn and known.api_url_parameter):
        return None
    address = secrets().parameter(known.api_url_parameter)
    return entry.unsubscribe_link(address, dashboard_key(), clock()(), recipient)
