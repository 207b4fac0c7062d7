"""`api`, wired."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cv_processor.adapters.aws import client
from cv_processor.adapters.erasures import ErasureTable
from cv_processor.adapters.queues import SqsErasures, SqsIngest
from cv_processor.adapters.secrets import Secret
from cv_processor.adapters.settings import ApiSettings
from cv_processor.adapters.table import CorrelationTable
from cv_processor.application.cursors import Cursors
from cv_processor.application.erasure import ErasureStore, request_erasure
from cv_processor.application.ports import CorrelationReader, IngestQueue
from cv_processor.application.queries import ListCorrelations


@dataclass(frozen=True, slots=True)
class Services:
    """What the API's routes call."""

    ingest_queue: IngestQueue
    correlations: CorrelationReader
    list_correlations: ListCorrelations
    shards: int
    webhook_keys: Callable[[], Sequence[str]]
    erasures: ErasureStore
    request_erasure: Callable[..., str]


def api(settings: ApiSettings) -> Services:
    """The use cases of the api function."""
    secrets = partial(client, "secretsmanager")
    table = CorrelationTable(
        client("dynamodb"), settings.table_name, now=time.time, shards=settings.shards
    )
    cursor_secret = Secret(secrets, settings.cursor_secret_arn, time.monotonic)
    webhook_secret = Secret(secrets, settings.webhook_keys_arn, time.monotonic)
    erasures = ErasureTable(client("dynamodb"), settings.table_name)
    erasure_queue = SqsErasures(client("sqs"), settings.erasure_queue_url)
    return Services(
        ingest_queue=SqsIngest(client("sqs"), settings.ingest_queue_url),
        correlations=table,
        list_correlations=ListCorrelations(table, Cursors(cursor_secret.bytes), settings.shards),
        shards=settings.shards,
        webhook_keys=webhook_secret.active_keys,
        erasures=erasures,
        request_erasure=partial(request_erasure, erasures, erasure_queue),
    )
