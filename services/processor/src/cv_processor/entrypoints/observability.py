"""What a function logs: one JSON line a batch or request, with its metrics inside it.

A line carries request ids, counts, error classes and places in the code; never a question's text,
a session or a name. The metrics are in CloudWatch's embedded metric format, so they cost no call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Only what an alarm or a dashboard reads is a metric; every other count is a field of the line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE: Final = "processor"
NAMESPACE: Final = "CvAnalytics"
MAX_IDS: Final = 100
# Every metric and its unit. A custom metric costs: one that nothing reads fails a test of infra.
METRICS: Final = {
    "EventsReceived": MetricUnit.Count,
    "EventsRejected": MetricUnit.Count,
    "EventsRecorded": MetricUnit.Count,
    "EventsPublished": MetricUnit.Count,
}

logger: Final = Logger(service=SERVICE, location=None, use_rfc3339=True)
_metrics: Final = Metrics(namespace=NAMESPACE, service=SERVICE)


class _ColdStart:
    """Whether this container has logged no line yet."""

    def __init__(self) -> None:
        self._cold = True

    def take(self) -> bool:
        cold, self._cold = self._cold, False
        return cold


_cold_start: Final = _ColdStart()


def log_line(
    function: str,
    context: object,
    *,
    counts: Mapping[str, int] | None = None,
    metrics: Mapping[str, int] | None = None,
    requests: Iterable[str] = (),
    failed: Mapping[str, str] | None = None,
    **facts: object,
) -> None:
    """Write the line of a batch or request.

    `failed` maps ids of messages to what `application.errors.cause` says. `context` is Lambda's;
    outside of Lambda it may be anything. At most `MAX_IDS` request ids are written.
    """
    fields: dict[str, Any] = {
        "function": function,
        "stage": os.environ.get("STAGE", "none"),
        "version": os.environ.get("SERVICE_VERSION", "none"),
        "commit": os.environ.get("COMMIT", "none"),
        "function_version": getattr(context, "function_version", "none"),
        "aws_request_id": getattr(context, "aws_request_id", None),
        "cold_start": _cold_start.take(),
        "requests": list(dict.fromkeys(requests))[:MAX_IDS],
        "failures": len(failed or ()),
        **(counts or {}),
        **facts,
        **_embedded(metrics or {}),
    }
    if failed:
        logger.warning("failed in part", extra={**fields, "failed": dict(failed)})
    else:
        logger.info("done", extra=fields)


def _embedded(values: Mapping[str, int]) -> dict[str, Any]:
    if not values:
        return {}
    units = {name: METRICS[name] for name in values}
    _metrics.set_default_dimensions(stage=os.environ.get("STAGE", "none"))
    for name, value in values.items():
        _metrics.add_metric(name=name, unit=units[name], value=value)
    line = _metrics.serialize_metric_set()
    _metrics.clear_metrics()
    return dict(line)
