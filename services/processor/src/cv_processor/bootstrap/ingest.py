"""`ingest`, wired."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from cv_processor.adapters.aws import client
from cv_processor.adapters.queues import MAX_ENTRIES, SqsDeadlines, SqsRejections
from cv_processor.adapters.settings import IngestSettings
from cv_processor.adapters.table import CorrelationTable
from cv_processor.adapters.tombstones import CachedTombstones
from cv_processor.application.ingest import Ingest


def ingest(settings: IngestSettings) -> Ingest:
    """The use case of the ingest function."""
    dynamodb, sqs = client("dynamodb"), client("sqs")
    return Ingest(
        correlations=CorrelationTable(
            dynamodb,
            settings.table_name,
            now=time.time,
            retention_days=settings.retention_days,
            shards=settings.shards,
        ),
        deadlines=SqsDeadlines(sqs, settings.deadline_queue_url),
        rejections=SqsRejections(sqs, settings.ingest_dlq_url),
        erased=CachedTombstones(
            dynamodb, settings.table_name, time.monotonic, settings.settle_seconds
        ),
        executor=ThreadPoolExecutor(MAX_ENTRIES),
        grace_ms=settings.grace_seconds * 1_000,
    )
