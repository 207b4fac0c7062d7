"""What an owner may set for the Processor, by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ProcessorSettings:
    """`grace_seconds`: how long a question waits for its answer (SQS delays 15 min at most).
    `settle_seconds`: how long a running ingest may not know of a session's erasure.
    `shards`: partitions of a day in the day index; 1 is enough up to 1,000 closings a second. A
    change is not followed until `ops-processor reproject` has run.
    `batches_at_once`: of ten messages from each queue; a new account runs 10 functions at a time.
    """

    grace_seconds: int = 900
    settle_seconds: int = 60
    retention_days: int = 400
    shards: int = 1
    batches_at_once: int = 2


SETTINGS: Final = {
    "local": ProcessorSettings(grace_seconds=5, settle_seconds=1),
    "dev": ProcessorSettings(),
    "prod": ProcessorSettings(),
}
