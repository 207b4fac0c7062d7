"""`expire`, wired."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from cv_processor.adapters.aws import client
from cv_processor.adapters.settings import ExpireSettings
from cv_processor.adapters.table import CorrelationTable
from cv_processor.application.expire import DeadlineMessage, ExpireReport, expire


def expiry(settings: ExpireSettings) -> Callable[[Sequence[DeadlineMessage]], ExpireReport]:
    """The use case of the expire function."""
    return partial(expire, CorrelationTable(client("dynamodb"), settings.table_name, now=time.time))
