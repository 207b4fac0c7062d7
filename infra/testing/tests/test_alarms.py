"""Alarms and dashboards read what is there; every alarm has a section in a runbook."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import pytest

from cdk_constructs.alarms import DIMENSIONS, NAMESPACE, RUNBOOKS
from cdk_constructs.canary import VERSION_NAMESPACE
from cdk_constructs.stack import REPOSITORY
from testing.arns import text
from testing.stacks import builders, on_aws, template
from testing.template import Template, of_type, references

MOST_ALARMS: Final = 24
MOST_METRICS: Final = 14
# The user guide's limit of what an alarm on metric math may read.
MOST_METRICS_OF_ALARM: Final = 10
SECTIONS: Final = ("Impact", "Check", "Do", "Recovered when")
SERVICES: Final = [name for name in ("processor", "reporter") if name in builders()]

# AWS's own metrics, from the services' documentation of their CloudWatch metrics.
BY_VERSION: Final = ({"FunctionName", "Resource"}, {"FunctionName", "Resource", "ExecutedVersion"})
AWS_METRICS: Final[dict[str, dict[str, tuple[set[str], ...]]]] = {
    # docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": {
        "Duration": BY_VERSION,
        "Errors": BY_VERSION,
        "Invocations": BY_VERSION,
        "IteratorAge": BY_VERSION,
        "Throttles": (set(), *BY_VERSION),
    },
    # Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible": ({"QueueName"},),
        "ApproximateAgeOfOldestMessage": ({"QueueName"},),
    },
    # docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    "AWS/ApiGateway": {name: ({"ApiId"},) for name in ("5xx", "4xx", "Count", "Latency")},
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": {
        name: ({"TableName"},)
        for name in (
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        )
    },
}


@cache
def emitted_by(service: str) -> frozenset[str]:
    """The metrics of a service's log lines: the table that `log_line` looks each of them up in."""
    source = REPOSITORY / f"services/{service}/src/cv_{service}/entrypoints/observability.py"
    [table] = [
        node.value
        for node in ast.parse(source.read_text("utf-8")).body
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "METRICS"
    ]
    assert isinstance(table, ast.Dict)
    return frozenset(str(key.value) for key in table.keys if isinstance(key, ast.Constant))


@cache
def passed_to_log_line(service: str) -> frozenset[str]:
    """The names that a service's entrypoints give `log_line` as metrics."""
    source = REPOSITORY / f"services/{service}/src/cv_{service}/entrypoints"
    texts = (
        str(text.value)
        for path in source.glob("*.py")
        if path.name != "observability.py"
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.Constant)
    )
    return frozenset(texts) & emitted_by(service)


def metrics_of(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The metrics of an alarm, or of its expression."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def alarms_in(of: Template) -> list[Mapping[str, Any]]:
    return [alarm for _, alarm in of_type(of, "AWS::CloudWatch::Alarm")]


def title_of(alarm: Mapping[str, Any]) -> str:
    """The anchor of an alarm's runbook section: its name without what a deployment adds."""
    return str(alarm["AlarmDescription"].rsplit("#", 1)[1])


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
        fits = known and set(dimensions) in AWS_METRICS[namespace][name] and _exists(of, dimensions)
    return None if known and fits else f"{namespace} {name} by {dimensions}"


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


def _exists(of: Template, dimensions: Mapping[str, Any]) -> bool:
    """Whether the stack has the queue or function that a metric is of, by its physical name."""
    named = {
        "QueueName": {p["QueueName"] for _, p in of_type(of, "AWS::SQS::Queue")},
        "FunctionName": {p["FunctionName"] for _, p in of_type(of, "AWS::Lambda::Function")},
    }
    return all(
        dimensions[key] in names for key, names in named.items() if key in dimensions
    ) and dimensions.get("Resource", "").removesuffix(":live") == dimensions.get("FunctionName", "")


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_every_alarm_watches_a_metric_that_exists(name: str, stage: str) -> None:
    of = template(name, stage)
    metrics = [metric for alarm in alarms_in(of) for metric in metrics_of(alarm)]
    faults = [fault_of(of, metric, name.split("-")[0], stage) for metric in metrics]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions"),
    [
        ("AWS/Lambda", "Erors", {"FunctionName": "f", "Resource": "f:live"}),
        ("AWS/Lambda", "Errors", {"Function": "f"}),
        ("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:live"}),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "q"}),
        ("CvAnalytics", "NobodyEmitsThis", {"service": "processor", "stage": "prod"}),
        ("CvAnalytics", "EventsRejected", {"service": "processor"}),
        ("CvAnalytics", "EventsRejected", {"service": "processor", "stage": "dev"}),
        ("CvAnalytics/Versions", "x", {"commit": "1"}),
    ],
)
def test_a_metric_that_nobody_emits_is_reported(
    namespace: str, name: str, dimensions: dict[str, str]
) -> None:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
    assert fault_of({"Resources": {}}, metric, "processor", "prod")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_emits_the_metrics_of_its_table_and_something_reads_each(service: str) -> None:
    of = template(service, "prod")
    readers = json.dumps([of["Resources"]])
    assert passed_to_log_line(service) == emitted_by(service)
    assert {name for name in emitted_by(service) if name not in readers} == set()


def test_alarms_and_metrics_of_both_services_together_are_few() -> None:
    stacks = [template(name, "prod") for name in builders()]
    composites = [p for of in stacks for _, p in of_type(of, "AWS::CloudWatch::CompositeAlarm")]
    assert sum(len(alarms_in(of)) for of in stacks) + len(composites) <= MOST_ALARMS
    assert sum(len(emitted_by(service)) for service in SERVICES) <= MOST_METRICS


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_an_alarm_reads_no_more_metrics_than_cloudwatch_allows(name: str, stage: str) -> None:
    sizes = [len(alarm.get("Metrics", [])) for alarm in alarms_in(template(name, stage))]
    assert [size for size in sizes if size > MOST_METRICS_OF_ALARM] == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_one_composite_alarm_of_all_alarms_sends_the_mail(service: str, stage: str) -> None:
    of = template(service, stage)
    [(_, composite)] = of_type(of, "AWS::CloudWatch::CompositeAlarm")
    alarms = {name for name, _ in of_type(of, "AWS::CloudWatch::Alarm")}
    assert references(composite["AlarmRule"]) == alarms
    assert composite["AlarmActions"] == composite["OKActions"]
    assert not any(alarm.get("AlarmActions") for alarm in alarms_in(of))


def test_an_alarm_of_the_links_sends_mail_itself() -> None:
    for alarm in alarms_in(template("reporter-links", "prod")):
        assert alarm["AlarmActions"]


# ---- dashboards ---------------------------------------------------------------------------------


def on_dashboard(of: Template) -> list[dict[str, Any]]:
    """The metrics of a stack's dashboard, in the form that an alarm has them."""
    [(_, dashboard)] = of_type(of, "AWS::CloudWatch::Dashboard")
    body = json.loads(text(of, dashboard["DashboardBody"]))
    lines = [m for w in body["widgets"] for m in w["properties"].get("metrics", [])]
    return [
        {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [
                {"Name": key, "Value": value}
                for key, value in zip(pairs[::2], pairs[1::2], strict=True)
            ],
        }
        for namespace, name, *rest in lines
        for pairs in [[item for item in rest if isinstance(item, str)]]
    ]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_dashboard_shows_metrics_that_exist_of_its_own_service(service: str, stage: str) -> None:
    of = template(service, stage)
    shown = on_dashboard(of)
    assert len(shown) > 30
    faults = [fault_of(of, metric, service, stage) for metric in shown]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_dashboard_shows_every_alarm_and_the_queries_read_every_log(service: str) -> None:
    of = template(service, "prod")
    [(_, dashboard)] = of_type(of, "AWS::CloudWatch::Dashboard")
    alarms = {name for name, _ in of_type(of, "AWS::CloudWatch::Alarm")}
    assert alarms <= references(dashboard["DashboardBody"])
    groups = {name for name, _ in of_type(of, "AWS::Logs::LogGroup") if "Access" not in name}
    queries = [p for _, p in of_type(of, "AWS::Logs::QueryDefinition")]
    assert len(queries) == 3
    assert all(references(query["LogGroupNames"]) == groups for query in queries)


# ---- what does not run raises an alarm ----------------------------------------------------------


def watched(service: str) -> dict[str, str]:
    """What each alarm of a service reads, as text, by title."""
    return {title_of(alarm): json.dumps(alarm) for alarm in alarms_in(template(service, "prod"))}


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_source_mapping_has_an_alarm_for_when_it_is_disabled(service: str) -> None:
    """A queue's by its age; a stream's, which has no metric then, by what else should have run."""
    of = template(service, "prod")
    alarms = watched(service)
    instead = alarms.get("not-published", "") + alarms.get("heartbeat", "")
    for _, mapping in of_type(of, "AWS::Lambda::EventSourceMapping"):
        [source] = references(mapping["EventSourceArn"])
        queue = of["Resources"][source]["Properties"].get("QueueName")
        function = _function_of(of, mapping)
        assert f'"{queue}"' in alarms["queue-age"] if queue else f'"{function}"' in instead


@pytest.mark.parametrize("service", SERVICES)
def test_every_schedule_has_an_alarm_for_when_it_is_disabled(service: str) -> None:
    of = template(service, "prod")
    alarms = watched(service)
    for _, schedule in of_type(of, "AWS::Scheduler::Schedule"):
        function = schedule["Name"]
        assert f'"{function}"' in alarms["heartbeat"] or f"{function}-" not in alarms
    names = {p["Name"].rsplit("-", 1)[1] for _, p in of_type(of, "AWS::Scheduler::Schedule")}
    # The report's has an alarm of its own: it runs once a week, longer than an alarm can wait.
    assert names <= {"reconcile", "report"}
    assert "report" not in names or "ReportOverdue" in alarms["report-overdue"]


def test_missing_data_is_breaching_where_a_heartbeat_is_expected() -> None:
    missing = Counter(
        (alarm["TreatMissingData"], title_of(alarm))
        for service in SERVICES
        for alarm in alarms_in(template(service, "prod"))
    )
    assert [title for treated, title in missing if treated == "breaching"] == ["heartbeat"]
    assert {treated for treated, _ in missing} == {"breaching", "notBreaching"}


def _function_of(of: Template, mapping: Mapping[str, Any]) -> str:
    [alias] = references(mapping["FunctionName"])
    [function] = references(of["Resources"][alias]["Properties"]["FunctionName"])
    return str(of["Resources"][function]["Properties"]["FunctionName"])


# ---- runbooks -----------------------------------------------------------------------------------


def sections_of(text: str) -> dict[str, str]:
    """The sections of a runbook about alarms, by title."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("service", SERVICES)
def test_every_alarm_has_a_section_in_the_runbook_and_every_section_an_alarm(service: str) -> None:
    names = [name for name in builders() if name.split("-")[0] == service]
    alarms = [alarm for name in names for alarm in alarms_in(template(name, "prod"))]
    sections = sections_of((REPOSITORY / RUNBOOKS / f"{service}.md").read_text("utf-8"))
    assert sorted(sections) == sorted(title_of(alarm) for alarm in alarms)
    for title, section in sections.items():
        missing = [part for part in SECTIONS if f"**{part}.**" not in section]
        assert missing == [], title


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_every_alarm_says_severity_action_and_runbook(name: str, stage: str) -> None:
    runbook = rf"Runbook: {RUNBOOKS}/{name.split('-')[0]}\.md#[a-z-]+"
    for alarm in alarms_in(template(name, stage)):
        assert re.fullmatch(
            rf"\[(page|ticket)\] [^.]+\. [^.]+\. {runbook}", alarm["AlarmDescription"]
        )
        title = title_of(alarm)
        named = json.dumps(alarm["AlarmName"])
        assert f"{name.split('-')[0]}-{title}" in named
