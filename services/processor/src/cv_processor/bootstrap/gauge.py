"""`gauge`, wired."""

from __future__ import annotations

import time
from collections.abc import Callable

from cv_processor.adapters.aws import client
from cv_processor.adapters.settings import GaugeSettings
from cv_processor.adapters.table import CorrelationTable
from cv_processor.application.gauge import Gauges, gauge


def gauging(settings: GaugeSettings) -> Callable[[], Gauges]:
    """The use case of the gauge function."""
    table = CorrelationTable(client("dynamodb"), settings.table_name, now=time.time)

    def gauge_now() -> Gauges:
        now, grace_ms = int(time.time() * 1_000), settings.grace_seconds * 1_000
        return gauge(table.unclosed(), now=now, grace_ms=grace_ms)

    return gauge_now
