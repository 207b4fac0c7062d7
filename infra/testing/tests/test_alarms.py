"""Every alarm watches a metric that exists, with exactly its dimensions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import pytest

from cdk_constructs.alarms import DIMENSIONS, NAMESPACE
from cdk_constructs.canary import VERSION_NAMESPACE
from cdk_constructs.stack import REPOSITORY
from testing.stacks import on_aws, template
from testing.template import Template, of_type

# AWS's own metrics, from the services' documentation of their CloudWatch metrics.
BY_VERSION: Final = ({"FunctionName", "Resource"}, {"FunctionName", "Resource", "ExecutedVersion"})
AWS_METRICS: Final[dict[str, dict[str, tuple[set[str], ...]]]] = {
    # docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": {"Errors": BY_VERSION, "Throttles": BY_VERSION, "IteratorAge": BY_VERSION},
    # Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible": ({"QueueName"},),
        "ApproximateAgeOfOldestMessage": ({"QueueName"},),
    },
    # docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    "AWS/ApiGateway": {"5xx": ({"ApiId"},)},
}


@cache
def emitted_by(service: str) -> frozenset[str]:
    """Every text in a service's code: the name of a metric that it emits is one of them."""
    source = REPOSITORY / "services" / service / "src"
    return frozenset(
        node.value
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def metrics_of(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The metrics of an alarm, or of its expression."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def fault_of(of: Template, metric: Mapping[str, Any], service: str, stage: str) -> str | None:
    """Why no such metric will ever have data; nothing if it will."""
    namespace, name = metric["Namespace"], metric["MetricName"]
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
    if namespace == NAMESPACE:
        known = name in emitted_by(service)
        fits = dimensions == dict(zip(DIMENSIONS, (service, stage), strict=True))
    elif namespace == VERSION_NAMESPACE:
        known, fits = _is_filtered(of, name, set(dimensions)), True
    else:
        known = name in AWS_METRICS.get(namespace, {})
        fits = known and set(dimensions) in AWS_METRICS[namespace][name]
    return None if known and fits else f"{namespace} {name} by {sorted(dimensions)}"


def _is_filtered(of: Template, name: str, dimensions: set[str]) -> bool:
    """Whether a filter of the same stack makes the metric of its log lines."""
    made = [
        transformation
        for _, properties in of_type(of, "AWS::Logs::MetricFilter")
        for transformation in properties["MetricTransformations"]
    ]
    return any(
        t["MetricName"] == name and {d["Key"] for d in t["Dimensions"]} == dimensions for t in made
    )


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_every_alarm_watches_a_metric_that_exists(name: str, stage: str) -> None:
    of = template(name, stage)
    metrics = [m for _, alarm in of_type(of, "AWS::CloudWatch::Alarm") for m in metrics_of(alarm)]
    faults = [fault_of(of, metric, name.split("-")[0], stage) for metric in metrics]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions"),
    [
        ("AWS/Lambda", "Erors", {"FunctionName": "f", "Resource": "f:live"}),
        ("AWS/Lambda", "Errors", {"Function": "f"}),
        ("CvAnalytics", "NobodyEmitsThis", {"service": "processor", "stage": "prod"}),
        ("CvAnalytics", "EventsPublished", {"service": "processor"}),
        ("CvAnalytics", "EventsPublished", {"service": "processor", "stage": "dev"}),
        ("CvAnalytics/Versions", "x", {"function_version": "1"}),
    ],
)
def test_a_metric_that_nobody_emits_is_reported(
    namespace: str, name: str, dimensions: dict[str, str]
) -> None:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
    assert fault_of({"Resources": {}}, metric, "processor", "prod")
