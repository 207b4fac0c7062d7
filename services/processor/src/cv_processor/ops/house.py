"""The resources of a stage, found by their names."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from cv_processor.adapters.aws import client, translated
from cv_processor.adapters.bus import EventBridgeBus
from cv_processor.adapters.dlq import DeadLetterQueue
from cv_processor.adapters.erasures import ErasureTable
from cv_processor.adapters.queues import SqsErasures
from cv_processor.adapters.table import CorrelationTable
from cv_processor.application.republish import Republication


@dataclass(frozen=True, slots=True)
class House:
    """One stage's Processor. `SHARDS` must be what the stack was deployed with."""

    stage: str

    @property
    def name(self) -> str:
        """The name of the table, and of the bus."""
        return f"cv-analytics-{self.stage}-processor"

    @property
    def shards(self) -> int:
        """Into how many shards a day is split."""
        return int(os.environ.get("SHARDS", "1"))

    def table(self) -> CorrelationTable:
        """The correlations."""
        return CorrelationTable(client("dynamodb"), self.name, now=time.time, shards=self.shards)

    def erasures(self) -> ErasureTable:
        """The erasures' receipts."""
        return ErasureTable(client("dynamodb"), self.name)

    def erasure_queue(self) -> SqsErasures:
        """Where erasures are asked for."""
        return SqsErasures(client("sqs"), self._queue("erasure"))

    def bus(self) -> EventBridgeBus:
        """The Processor's bus."""
        return EventBridgeBus(client("events"))

    def republication(self) -> Republication:
        """What puts events on the bus again."""
        return Republication(
            self.table(), self.erasures(), self.bus(), self.name, shards=self.shards
        )

    def dlq(self) -> DeadLetterQueue:
        """The ingest DLQ."""
        return DeadLetterQueue(
            client("sqs"), self._queue("ingest-dlq.fifo"), self._queue("ingest.fifo")
        )

    def _queue(self, name: str) -> str:
        with translated():
            answer = client("sqs").get_queue_url(QueueName=f"{self.name}-{name}")
        return str(answer["QueueUrl"])
