"""One line per batch: counts as CloudWatch metrics (embedded metric format), failures beside them.

A line carries ids, counts and error codes; never a question's text. The format is a JSON object
on standard output, which is all that a metrics library would write (docs/decisions/0015).
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

NAMESPACE = "CvAnalytics"
SERVICE = "processor"


def emit(function: str, counts: Mapping[str, int], failed: Mapping[str, str]) -> None:
    """Print the batch's line. `failed` maps message ids to error codes."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    line = {
        "_aws": {"Timestamp": int(time.time() * 1_000), "CloudWatchMetrics": [directive]},
        "service": SERVICE,
        "function": function,
        **counts,
    }
    if failed:
        line["failed"] = dict(failed)
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
