"""`erase`, wired."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cv_contracts.events import SessionErasureCount

from cv_processor.adapters.aws import client
from cv_processor.adapters.erasures import ErasureTable
from cv_processor.adapters.queues import SqsErasures
from cv_processor.adapters.settings import EraseSettings
from cv_processor.application.erasure import EraseCommand, erase, note_count


@dataclass(frozen=True, slots=True)
class Erasing:
    """The use cases of the erase function."""

    erase: Callable[[EraseCommand], int]
    note_count: Callable[[SessionErasureCount], None]


def erasing(settings: EraseSettings) -> Erasing:
    """The use cases of the erase function."""
    store = ErasureTable(client("dynamodb"), settings.table_name)
    queue = SqsErasures(client("sqs"), settings.erasure_queue_url)

    def erase_now(command: EraseCommand) -> int:
        return erase(
            store, queue, command, now=int(time.time() * 1_000), settle=settings.settle_seconds
        )

    return Erasing(erase_now, partial(note_count, store))
