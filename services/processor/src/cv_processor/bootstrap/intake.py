"""`intake`, wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cv_processor.adapters.aws import client
from cv_processor.adapters.queues import SqsIngest
from cv_processor.adapters.settings import IntakeSettings
from cv_processor.application.intake import take_in


def intake(settings: IntakeSettings) -> Callable[[Mapping[str, Any]], None]:
    """The use case of the intake function."""
    return partial(take_in, SqsIngest(client("sqs"), settings.ingest_queue_url))
