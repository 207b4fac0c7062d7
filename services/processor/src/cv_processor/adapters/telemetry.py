"""One line per batch: counts as CloudWatch metrics (embedded metric format), failures beside them.

A line carries ids, counts and error codes; never a question's text.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "CvAnalytics"
SERVICE = "processor"


def emit(function: str, counts: Mapping[str, int], failed: Mapping[str, str]) -> None:
    """Print the batch's line. `failed` maps message ids to error codes."""
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_metadata("function", function)
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    if failed:
        metrics.add_metadata("failed", dict(failed))
    metrics.flush_metrics()
