"""A service's dashboard and its saved log queries, from what its stack declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_constructs.alarms import ServiceAlarms, of_function
from cdk_constructs.function import ServiceFunction
from cdk_constructs.http_api import ServiceApi
from cdk_constructs.stack import PRODUCT, ServiceStack

FIVE_MINUTES: Final = cdk.Duration.minutes(5)
WHOLE_WIDTH: Final = 24
FAILURES: Final = "filter failures > 0 or status >= 500 or ispresent(errorType)"
# What each query answers, by the last part of its name. No query reads a question's text.
QUERIES: Final = {
    "failures": (
        "fields @timestamp, function, failures, status, jsonStringify(failed), errorType",
        FAILURES,
        "sort @timestamp desc",
        "limit 50",
    ),
    "question": (
        "fields @timestamp, function, duration_ms, failures, aws_request_id",
        "filter @message like /REQUEST-ID/",
        "sort @timestamp asc",
        "limit 200",
    ),
    "cold-starts": (
        "filter @type = 'REPORT' and ispresent(@initDuration)",
        "stats count(), max(@initDuration), pct(@duration, 95) by @log",
    ),
}


class ServiceDashboard(Construct):
    """One page: alarms, the way of a question, queues, functions, API, table, failed lines."""

    def __init__(
        self,
        stack: ServiceStack,
        alarms: ServiceAlarms,
        functions: Sequence[ServiceFunction],
        api: ServiceApi,
        table: dynamodb.Table,
        counts: Sequence[str],
        lags: Sequence[str] = (),
    ) -> None:
        """`counts` and `lags` (ms) are names of the service's own metrics.

        Declare after `alarms.complete`.
        """
        super().__init__(stack, "Dashboard")
        self._alarms = alarms
        dashboard = cloudwatch.Dashboard(
            self,
            "Page",
            dashboard_name=stack.base_name,
            default_interval=cdk.Duration.days(1),
        )
        dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=alarms.alarms, width=WHOLE_WIDTH, height=4
            )
        )
        dashboard.add_widgets(
            _graph("Questions", [self._own(name, "Sum") for name in counts]),
            _graph("Lag, ms", [*self._of_each(lags, "p50", "p99"), *alarms.readers.values()]),
        )
        dashboard.add_widgets(
            _graph("Oldest message, s", list(alarms.ages.values())),
            _graph("Dead letters", list(alarms.dead_letters.values())),
        )
        dashboard.add_widgets(
            _graph("Errors of functions", _of_functions(functions, "Errors")),
            _graph("Throttles of functions", _of_functions(functions, "Throttles")),
            _graph("Duration of functions, p95, ms", _of_functions(functions, "Duration", "p95")),
        )
        dashboard.add_widgets(
            _graph("Requests", [api.metric(name, "Sum") for name in ("Count", "4xx", "5xx")]),
            _graph("Latency, ms", [api.metric("Latency", share) for share in ("p50", "p99")]),
            _graph("Table", _of_table(table)),
        )
        groups = [function.log_group for function in functions]
        fields, *others = QUERIES["failures"]
        dashboard.add_widgets(
            cloudwatch.LogQueryWidget(
                title="Last failures",
                log_group_names=[f"/aws/lambda/{function.physical_name}" for function in functions],
                query_lines=[fields, *others],
                width=WHOLE_WIDTH,
                height=6,
            )
        )
        for name, lines in QUERIES.items():
            logs.CfnQueryDefinition(
                self,
                "".join(word.capitalize() for word in name.split("-")),
                name=f"{PRODUCT}/{stack.deploy_stage.name}/{stack.service}/{name}",
                query_string="\n| ".join(lines),
                log_group_names=[group.log_group_name for group in groups],
            )

    def _own(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._alarms.own_metric(name, FIVE_MINUTES, statistic)

    def _of_each(self, names: Sequence[str], *statistics: str) -> list[cloudwatch.IMetric]:
        return [self._own(name, statistic) for name in names for statistic in statistics]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)


def _of_functions(
    functions: Sequence[ServiceFunction], metric: str, statistic: str = "Sum"
) -> list[cloudwatch.IMetric]:
    return [
        of_function(function.physical_name, metric, period=FIVE_MINUTES, statistic=statistic)
        for function in functions
    ]


def _of_table(table: dynamodb.Table) -> list[cloudwatch.IMetric]:
    names = (
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    )
    return [table.metric(name, period=FIVE_MINUTES, statistic="Sum") for name in names]
