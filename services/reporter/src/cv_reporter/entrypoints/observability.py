"""What a function logs: one JSON line a batch or request, with its metrics inside it.

A line carries request ids, counts, error classes and places in the code; never a question's text,
a session or a name. The metrics are in CloudWatch's embedded metric format, so they cost no call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Only what an alarm or a dashboard reads is a metric; every other count is a field of the line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from cv_contracts.spans import Spans

SERVICE: Final = "reporter"
NAMESPACE: Final = "CvAnalytics"
MAX_IDS: Final = 100
# Where spans go to, as OpenTelemetry names it; without it there are none.
COLLECTOR: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
# Every metric and its unit. A custom metric costs: one that nothing reads fails a test of infra.
METRICS: Final = {
    "FactsRecorded": MetricUnit.Count,
    "ProjectLag": MetricUnit.Milliseconds,
    "ReconciliationHealed": MetricUnit.Count,
    "ReconciliationDaysNotCompared": MetricUnit.Count,
    "ReportOverdue": MetricUnit.Count,
    "SendingInDoubt": MetricUnit.Count,
    "MailStopped": MetricUnit.Count,
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
    began_ns: int | None = None,
    counts: Mapping[str, int] | None = None,
    metrics: Mapping[str, int] | None = None,
    requests: Iterable[str] = (),
    failed: Mapping[str, str] | None = None,
    callers: Mapping[str, str] | None = None,
    unfollowed: str = "",
    **facts: object,
) -> None:
    """Write the line of a batch or request, and its spans where there is a collector.

    `began_ns` is when it began, in nanoseconds since 1970. `failed` maps ids of messages to what
    `application.errors.cause` says, `callers` request ids to the chatbot's own `traceparent`.
    `unfollowed` says which settings the stored layout does not follow yet.
    `context` is Lambda's; outside of Lambda it may be anything. At most `MAX_IDS` request ids are
    written.
    """
    ended_ns = time.time_ns()
    began_ns = began_ns or ended_ns
    requests = tuple(dict.fromkeys(requests))
    fields: dict[str, Any] = {
        "function": function,
        "stage": os.environ.get("STAGE", "none"),
        "version": os.environ.get("SERVICE_VERSION", "none"),
        "commit": os.environ.get("COMMIT", "none"),
        "function_version": getattr(context, "function_version", "none"),
        "aws_request_id": getattr(context, "aws_request_id", None),
        "cold_start": _cold_start.take(),
        "duration_ms": (ended_ns - began_ns) // 1_000_000,
        "requests": list(requests[:MAX_IDS]),
        "failures": len(failed or ()),
        **({"callers": dict(callers)} if callers else {}),
        **({"unfollowed": unfollowed} if unfollowed else {}),
        **(counts or {}),
        **facts,
        **_embedded(metrics or {}),
    }
    if failed:
        logger.warning("failed in part", extra={**fields, "failed": dict(failed)})
    else:
        logger.info("done", extra=fields)
    if COLLECTOR in os.environ and (spans := spans_of_process()):
        spans.record(
            function,
            requests,
            began_ns=began_ns,
            ended_ns=ended_ns,
            failures=len(failed or ()),
            callers=callers or {},
        )


@cache
def spans_of_process() -> Spans | None:
    """Where hops are exported to; `None`, said once, where OpenTelemetry is not installed."""
    try:
        from cv_contracts.spans import Spans  # noqa: PLC0415 (no cold start loads it by default)
    except ModuleNotFoundError:
        logger.error(f"{COLLECTOR} is set, but the extra `otel` is not installed: no spans")
        return None
    version = os.environ.get("SERVICE_VERSION", "none")
    return Spans.over_otlp(SERVICE, os.environ.get("STAGE", "none"), version)


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
