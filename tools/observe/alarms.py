"""The alarms of the deployed stacks on the embedded AWS, evaluated as CloudWatch would.

Its CloudFormation refuses metric math, its own evaluation ignores dimensions and missing data. So
the templates keep the alarms under a condition that does not hold there, and this module puts them
by `PutMetricAlarm`, evaluates them on `GetMetricData`, and sets their states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tools.deploy.account import Account
from tools.deploy.names import stack_name
from tools.deploy.stacks import ALL, is_deployed
from tools.observe.evaluation import Series, state

ALARM: Final = "AWS::CloudWatch::Alarm"
# GetMetricData takes no more queries in one call.
QUERIES_AT_ONCE: Final = 500
_KEPT: Final = (
    "AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
)  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """An alarm as its template has it, with references resolved."""

    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The alarm's name."""
        name = self.properties.get("AlarmName")
        return str(name)

    @property
    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """The metrics with period and statistic, by what `evaluation.state` names them."""
        queries = self.properties.get("Metrics")
        if queries is None:
            return {self.properties["MetricName"]: _as_stat(self.properties)}
        return {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}

    @property
    def period(self) -> int:
        """Seconds; all metrics of an alarm have the same."""
        return int(next(iter(self.metrics.values()))["Period"])

    @property
    def periods(self) -> int:
        """How many periods are evaluated."""
        return int(self.properties["EvaluationPeriods"])


def _as_stat(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The only metric of an alarm in the form that an expression's have."""
    return {
        "Metric": {name: alarm.get(name, []) for name in ("Namespace", "MetricName", "Dimensions")},
        "Period": alarm["Period"],
        "Stat": alarm.get("ExtendedStatistic") or alarm["Statistic"],
    }


# ---- from the templates -------------------------------------------------------------------------


def definitions(account: Account) -> list[Definition]:
    """The alarms of all deployed stacks."""
    return [
        definition
        for unit in ALL
        if is_deployed(account, unit)
        for definition in _of_stack(account, stack_name(unit, account.stage))
    ]


def _of_stack(account: Account, stack: str) -> Iterator[Definition]:
    client = account.client("cloudformation")
    template = client.get_template(StackName=stack)["TemplateBody"]
    described = client.describe_stacks(StackName=stack)["Stacks"][0]
    values = {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])}
    made = client.describe_stack_resources(StackName=stack)["StackResources"]
    values |= {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made}
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == ALARM:
            yield Definition(_resolved(resource["Properties"], values))


def _resolved(value: Any, values: Mapping[str, str]) -> Any:
    """A part of a template whose references are resolved; alarms use no other function."""
    match value:
        case {"Ref": str(name)}:
            return values[name]
        case dict():
            return {key: _resolved(part, values) for key, part in value.items()}
        case list():
            return [_resolved(part, values) for part in value]
    return value


# ---- at the embedded AWS ------------------------------------------------------------------------


def put(account: Account, wanted: Sequence[Definition]) -> None:
    """Make the alarms as defined, and delete those that no stack has any more."""
    client = account.client("cloudwatch")
    for definition in wanted:
        kept = {k: v for k, v in definition.properties.items() if k in _KEPT}
        client.put_metric_alarm(Metrics=list(_queries(definition)), **kept)
    gone = set(states(account)) - {definition.name for definition in wanted}
    if gone:
        client.delete_alarms(AlarmNames=sorted(gone))


def _queries(definition: Definition) -> Iterator[Mapping[str, Any]]:
    """The alarm's metrics, with or without an expression: then the embedded AWS evaluates none."""
    queries = definition.properties.get("Metrics")
    if queries is not None:
        yield from queries
        return
    [stat] = definition.metrics.values()
    yield {"Id": "only", "MetricStat": stat, "ReturnData": True}


def states(account: Account) -> dict[str, str]:
    """The state of every alarm of the stage, by name."""
    pages = account.client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(AlarmNamePrefix=f"cv-analytics-{account.stage}-")
    return {a["AlarmName"]: a["StateValue"] for page in found for a in page["MetricAlarms"]}


def evaluate(
    account: Account, alarms: Sequence[Definition], now: datetime, known_since: datetime
) -> dict[str, str]:
    """Set the state of each alarm whose data says another one; returns what changed.

    Nothing is known of periods before `known_since`.
    """
    before = states(account)
    changed: dict[str, str] = {}
    for alarm, recorded in zip(alarms, _recorded(account, alarms, now), strict=True):
        current = _period_of(now, alarm.period)
        known = (current - _period_of(known_since, alarm.period)) // alarm.period + 1
        verdict = state(alarm.properties, recorded, known)
        if before.get(alarm.name) not in (None, verdict):
            account.client("cloudwatch").set_alarm_state(
                AlarmName=alarm.name, StateValue=verdict, StateReason=f"evaluated at {now:%H:%M:%S}"
            )
            changed[alarm.name] = verdict
    return changed


def _recorded(
    account: Account, alarms: Sequence[Definition], now: datetime
) -> list[dict[str, Series]]:
    """The data of each alarm's metrics: a value for each of its periods, the newest last."""
    spans: dict[tuple[int, int], list[tuple[int, str, Mapping[str, Any]]]] = defaultdict(list)
    for number, alarm in enumerate(alarms):
        for name, stat in alarm.metrics.items():
            spans[alarm.period, alarm.periods].append((number, name, stat))
    recorded: list[dict[str, Series]] = [{} for _ in alarms]
    for (period, periods), metrics in spans.items():
        current = _period_of(now, period)
        starts = [current - back * period for back in reversed(range(periods))]
        values = _values(account, [stat for _, _, stat in metrics], starts, period)
        for (number, name, _), series in zip(metrics, values, strict=True):
            recorded[number][name] = series
    return recorded


def _values(
    account: Account, stats: Sequence[Mapping[str, Any]], starts: Sequence[int], period: int
) -> Iterator[Series]:
    """The value of each metric in the periods that start at those times (UTC seconds)."""
    end = datetime.fromtimestamp(starts[-1] + period, UTC)
    for at in range(0, len(stats), QUERIES_AT_ONCE):
        part = stats[at : at + QUERIES_AT_ONCE]
        answer = account.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": f"m{n}", "MetricStat": stat} for n, stat in enumerate(part)],
            StartTime=datetime.fromtimestamp(starts[0], UTC),
            EndTime=end,
        )
        results = {result["Id"]: result for result in answer["MetricDataResults"]}
        for number in range(len(part)):
            result = results[f"m{number}"]
            stamps = [int(stamp.timestamp()) for stamp in result["Timestamps"]]
            points = dict(zip(stamps, result["Values"], strict=True))
            yield [points.get(start) for start in starts]


def _period_of(at: datetime, period: int) -> int:
    """The start of the period that a time is in, in UTC seconds."""
    return int(at.timestamp()) // period * period
