"""Settings and clients in, adapters out: the one module that knows all concrete classes.

It imports no use case: a function imports its own, so that its cold start pays for no other's.
Adapters that `ingest` does not use are imported where they are made, for the same reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Self

from cv_processor.adapters.aws import client
from cv_processor.adapters.correlation_store import CorrelationTable
from cv_processor.adapters.layout_store import LayoutTable
from cv_processor.adapters.sqs import (
    MAX_ENTRIES,
    SqsDeadlines,
    SqsErasures,
    SqsIngest,
    SqsRejections,
)
from cv_processor.adapters.tombstone_store import CachedTombstones
from cv_processor.settings import Settings

if TYPE_CHECKING:
    from cv_processor.adapters.dead_letters import DeadLetterQueue
    from cv_processor.adapters.erasure_store import ErasureTable
    from cv_processor.adapters.eventbridge import EventBridgeBus


@dataclass(frozen=True)
class Services:
    """What the use cases of all functions need, each made when it is first asked for."""

    settings: Settings
    client: Callable[[str], Any]
    """The AWS client of a service."""

    @classmethod
    def of_environment(cls) -> Self:
        """With the settings of the environment and clients of this process."""
        return cls(Settings.read(), client)

    def now_ms(self) -> int:
        """The time, in UTC milliseconds."""
        return int(time.time() * 1_000)

    def wait(self, seconds: int) -> None:
        """Sleep: for operators' commands."""
        time.sleep(seconds)

    @cached_property
    def executor(self) -> Executor:
        """Threads for the writes of a batch."""
        return ThreadPoolExecutor(MAX_ENTRIES)

    @cached_property
    def correlations(self) -> CorrelationTable:
        """The correlations in the table."""
        return CorrelationTable(
            self.client("dynamodb"),
            self.settings.table_name,
            now=time.time,
            shards=self.layouts.shards_to_write,
            retention_days=self.settings.retention_days,
        )

    @cached_property
    def layouts(self) -> LayoutTable:
        """How the table's days are laid out; the setting is no more than a wish."""
        settings = self.settings
        return LayoutTable(
            self.client("dynamodb"), settings.table_name, settings.shards, clock=time.time
        )

    @cached_property
    def tombstones(self) -> CachedTombstones:
        """The sessions that were erased."""
        settings = self.settings
        return CachedTombstones(
            self.client("dynamodb"), settings.table_name, time.monotonic, settings.settle_seconds
        )

    @cached_property
    def erasures(self) -> ErasureTable:
        """The receipts of erasures."""
        from cv_processor.adapters.erasure_store import ErasureTable  # noqa: PLC0415

        return ErasureTable(
            self.client("dynamodb"), self.settings.table_name, self.layouts.shards_to_write
        )

    @cached_property
    def ingest_queue(self) -> SqsIngest:
        """The one way in."""
        return SqsIngest(self.client("sqs"), self.settings.ingest_queue_url)

    @cached_property
    def deadlines(self) -> SqsDeadlines:
        """Where questions wait for the end of their grace period."""
        return SqsDeadlines(self.client("sqs"), self.settings.deadline_queue_url)

    @cached_property
    def rejections(self) -> SqsRejections:
        """Where events go that can never be processed."""
        return SqsRejections(self.client("sqs"), self.settings.ingest_dlq_url)

    @cached_property
    def erasure_queue(self) -> SqsErasures:
        """Where erasures wait for their passes."""
        return SqsErasures(self.client("sqs"), self.settings.erasure_queue_url)

    @cached_property
    def dead_letters(self) -> DeadLetterQueue:
        """The ingest DLQ, for operators."""
        from cv_processor.adapters.dead_letters import DeadLetterQueue  # noqa: PLC0415

        settings = self.settings
        return DeadLetterQueue(
            self.client("sqs"), settings.ingest_dlq_url, settings.ingest_queue_url
        )

    @cached_property
    def bus(self) -> EventBridgeBus:
        """The Processor's own bus."""
        from cv_processor.adapters.eventbridge import EventBridgeBus  # noqa: PLC0415

        return EventBridgeBus(self.client("events"))

    @cached_property
    def webhook_keys(self) -> Callable[[], Sequence[str]]:
        """The keys that a webhook may be signed with."""
        from cv_processor.adapters.secrets import WebhookKeys  # noqa: PLC0415

        return WebhookKeys.of(self.client("ssm"), self.settings.webhook_keys_parameter)


@cache
def services() -> Services:
    """Those of this process, made once per container."""
    return Services.of_environment()
