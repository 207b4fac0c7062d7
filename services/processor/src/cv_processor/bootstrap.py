"""Settings and clients in, use cases out: the one module that knows all concrete classes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Self

from cv_processor.adapters.aws import client
from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.adapters.dead_letters import DeadLetterQueue
from cv_processor.adapters.erasure_store import ErasureTable
from cv_processor.adapters.eventbridge import EventBridgeBus
from cv_processor.adapters.sqs import (
    MAX_ENTRIES,
    SqsDeadlines,
    SqsErasures,
    SqsIngest,
    SqsRejections,
)
from cv_processor.adapters.tombstone_store import CachedTombstones
from cv_processor.application.erasure import EraseCommand, erase, note_count, request_erasure
from cv_processor.application.expire import ExpireReport, expire
from cv_processor.application.gauge import Gauges, gauge
from cv_processor.application.ingest import Ingest
from cv_processor.application.intake import take_in
from cv_processor.application.queries import ListCorrelations
from cv_processor.application.relay import RelayReport, relay
from cv_processor.application.republish import Republication
from cv_processor.settings import Settings


@dataclass(frozen=True)
class Services:
    """The use cases of all functions, each made when it is first asked for."""

    settings: Settings
    client: Callable[[str], Any]
    """The AWS client of a service."""

    @classmethod
    def of_environment(cls) -> Self:
        """With the settings of the environment and clients of this process."""
        return cls(Settings.read(), client)

    @cached_property
    def correlations(self) -> CorrelationTable:
        """The correlations in the table."""
        return CorrelationTable(
            self.client("dynamodb"),
            self.settings.table_name,
            now=time.time,
            retention_days=self.settings.retention_days,
            shards=self.settings.shards,
        )

    @cached_property
    def ingest_queue(self) -> SqsIngest:
        """The one way in."""
        return SqsIngest(self.client("sqs"), self.settings.ingest_queue_url)

    @cached_property
    def ingest(self) -> Ingest:
        """A batch of events into correlations."""
        settings, sqs = self.settings, self.client("sqs")
        return Ingest(
            correlations=self.correlations,
            deadlines=SqsDeadlines(sqs, settings.deadline_queue_url),
            rejections=SqsRejections(sqs, settings.ingest_dlq_url),
            erased=CachedTombstones(
                self.client("dynamodb"),
                settings.table_name,
                time.monotonic,
                settings.settle_seconds,
            ),
            executor=ThreadPoolExecutor(MAX_ENTRIES),
            grace_ms=settings.grace_seconds * 1_000,
        )

    @cached_property
    def expire(self) -> Callable[..., ExpireReport]:
        """Questions whose grace period ended, closed."""
        return partial(expire, self.correlations)

    @cached_property
    def bus(self) -> EventBridgeBus:
        """The Processor's own bus."""
        return EventBridgeBus(self.client("events"))

    @cached_property
    def relay(self) -> Callable[..., RelayReport]:
        """Changes of the table onto the bus."""
        return partial(relay, self.bus, self.settings.bus_name)

    @cached_property
    def take_in(self) -> Callable[..., str]:
        """A bus event into the ingest queue."""
        return partial(take_in, self.ingest_queue)

    @cached_property
    def erasures(self) -> ErasureTable:
        """Receipts and tombstones."""
        return ErasureTable(self.client("dynamodb"), self.settings.table_name)

    @cached_property
    def erasure_queue(self) -> SqsErasures:
        """Where erasures wait for their passes."""
        return SqsErasures(self.client("sqs"), self.settings.erasure_queue_url)

    @cached_property
    def request_erasure(self) -> Callable[..., str]:
        """A session to be forgotten."""
        return partial(request_erasure, self.erasures, self.erasure_queue)

    def erase(self, command: EraseCommand) -> int:
        """One pass of an erasure; how many questions it removed."""
        settle = self.settings.settle_seconds
        return erase(self.erasures, self.erasure_queue, command, now=_now_ms(), settle=settle)

    @cached_property
    def note_count(self) -> Callable[..., None]:
        """Another service's count of an erasure."""
        return partial(note_count, self.erasures)

    def gauge(self) -> Gauges:
        """What waits in the table now."""
        grace_ms = self.settings.grace_seconds * 1_000
        return gauge(self.correlations.unclosed(), now=_now_ms(), grace_ms=grace_ms)

    @cached_property
    def list_correlations(self) -> ListCorrelations:
        """Pages of closed correlations."""
        return ListCorrelations(self.correlations, self.settings.shards)

    @cached_property
    def webhook_keys(self) -> Callable[[], Any]:
        """The keys that a webhook may be signed with."""
        # Only the API verifies webhooks; the others need not import this utility at their start.
        from cv_processor.adapters.secrets import WebhookKeys  # noqa: PLC0415

        return WebhookKeys.of(self.client("secretsmanager"), self.settings.webhook_keys_arn)

    @cached_property
    def republication(self) -> Republication:
        """Events once more."""
        settings = self.settings
        return Republication(
            self.correlations, self.erasures, self.bus, settings.bus_name, shards=settings.shards
        )

    @cached_property
    def dead_letters(self) -> DeadLetterQueue:
        """The ingest DLQ."""
        settings = self.settings
        return DeadLetterQueue(
            self.client("sqs"), settings.ingest_dlq_url, settings.ingest_queue_url
        )


@cache
def services() -> Services:
    """Those of this process, made once per container."""
    return Services.of_environment()


def _now_ms() -> int:
    return int(time.time() * 1_000)
