"""The meter: what is new is put once, and alarms get the state that their data gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.account import Account
from tools.observe import alarms
from tools.observe.evaluation import state
from tools.observe.meter import OVERLAP_MS, Meter
from tools.tests.answers import AnsweringSession

GROUP = "/aws/lambda/cv-analytics-local-processor-relay"
API_GROUP = "/aws/lambda/cv-analytics-local-processor-api"
QUEUE = "http://127.0.0.1:1/0/cv-analytics-local-processor-relay-failures"
REPORT = "REPORT RequestId: r\tDuration: 1 ms"
DEAD_LETTERS = {
    "AlarmName": "cv-analytics-local-processor-dead-letters",
    "EvaluationPeriods": 1,
    "DatapointsToAlarm": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "Tags": [],
    "Metrics": [
        {"Id": "e", "Expression": "MAX([FILL(a, 0)])", "ReturnData": True},
        {
            "Id": "a",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [
                        {
                            "Name": "QueueName",
                            "Value": "cv-analytics-local-processor-relay-failures",
                        }
                    ],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
            "ReturnData": False,
        },
    ],
}
API_ERRORS = {
    "AlarmName": "cv-analytics-local-processor-api-errors",
    "Namespace": "AWS/ApiGateway",
    "MetricName": "5xx",
    "Dimensions": [{"Name": "ApiId", "Value": {"Ref": "Api"}}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


@dataclass
class Emulated:
    """An embedded AWS with a stack, two functions' logs, a queue, and metrics that are kept."""

    ahead: timedelta = timedelta()
    events: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {GROUP: []})
    messages: list[dict[str, Any]] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    points: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stacks: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"cv-analytics-processor-local": [DEAD_LETTERS, API_ERRORS]}
    )

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def log(self, message: str, group: str = GROUP, stream: str = "s") -> None:
        at = int(datetime.now(UTC).timestamp() * 1000)
        event = {"timestamp": at, "logStreamName": stream, "message": message}
        self.events.setdefault(group, []).append(event)

    def answers(self) -> dict[str, Any]:
        return {
            "cloudformation.DescribeStacks": self._stack,
            "cloudformation.GetTemplate": self._template,
            "cloudformation.DescribeStackResources": {
                "StackResources": [{"LogicalResourceId": "Api", "PhysicalResourceId": "api1"}]
            },
            "cloudwatch.DescribeAlarms": lambda _: {
                "MetricAlarms": [{"AlarmName": n, "StateValue": s} for n, s in self.alarms.items()]
            },
            "cloudwatch.PutMetricAlarm": self._put_alarm,
            "cloudwatch.DeleteAlarms": self._delete,
            "cloudwatch.SetAlarmState": self._set,
            "cloudwatch.PutMetricData": self._put,
            "cloudwatch.GetMetricData": self._get,
            "logs.DescribeLogGroups": lambda _: {
                "logGroups": [
                    {"logGroupName": g, "storedBytes": len(e)} for g, e in self.events.items()
                ]
            },
            "logs.FilterLogEvents": self._filter,
            "ssm.GetParameters": {"Parameters": [{"Value": "http://x/_aws/execute-api/api1"}]},
        }

    def control(self, _: Account, __: str) -> dict[str, Any]:
        return {"messages": {"0": {"eu-west-2": {QUEUE: self.messages, "http://x/other": []}}}}

    def _stack(self, asked: Mapping[str, Any]) -> Any:
        known = asked["StackName"] in self.stacks
        status = "CREATE_COMPLETE" if known else "DELETE_COMPLETE"
        return {"Stacks": [{"StackName": "s", "StackStatus": status, "CreationTime": self.now}]}

    def _template(self, asked: Mapping[str, Any]) -> Any:
        resources = {
            f"A{n}": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
            for n, properties in enumerate(self.stacks[asked["StackName"]])
        }
        resources["Q"] = {"Type": "AWS::SQS::Queue"}
        return {"TemplateBody": {"Resources": resources}}

    def _put_alarm(self, asked: Mapping[str, Any]) -> Any:
        assert "Tags" not in asked
        assert asked["Metrics"]
        self.alarms.setdefault(asked["AlarmName"], "INSUFFICIENT_DATA")
        return {}

    def _delete(self, asked: Mapping[str, Any]) -> Any:
        for name in asked["AlarmNames"]:
            del self.alarms[name]
        return {}

    def _set(self, asked: Mapping[str, Any]) -> Any:
        self.alarms[asked["AlarmName"]] = asked["StateValue"]
        return {}

    def _put(self, asked: Mapping[str, Any]) -> Any:
        self.points += [(asked["Namespace"], datum) for datum in asked["MetricData"]]
        return {}

    def _get(self, asked: Mapping[str, Any]) -> Any:
        return {
            "MetricDataResults": [
                {"Id": query["Id"], **self._series(query["MetricStat"], asked)}
                for query in asked["MetricDataQueries"]
            ]
        }

    def _series(self, stat: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        metric, period = stat["Metric"], stat["Period"]
        found: dict[int, list[float]] = {}
        for namespace, datum in self.points:
            same = (namespace, datum["MetricName"]) == (metric["Namespace"], metric["MetricName"])
            dimensions = datum["Dimensions"] == metric["Dimensions"]
            if same and dimensions and asked["StartTime"] <= datum["Timestamp"] < asked["EndTime"]:
                start = int(datum["Timestamp"].timestamp()) // period * period
                found.setdefault(start, []).append(datum["Value"])
        total = sum if stat["Stat"] == "Sum" else max
        return {
            "Timestamps": [datetime.fromtimestamp(start, UTC) for start in found],
            "Values": [total(values) for values in found.values()],
        }

    def _filter(self, asked: Mapping[str, Any]) -> Any:
        events = self.events[asked["logGroupName"]]
        return {"events": [e for e in events if e["timestamp"] >= asked["startTime"]]}

    def names(self) -> list[tuple[str, float]]:
        return [(datum["MetricName"], datum["Value"]) for _, datum in self.points]


@pytest.fixture
def aws() -> Emulated:
    """Its clock is at the fifth second of a minute, so that a test does not end in another."""
    now = datetime.now(UTC)
    return Emulated(ahead=timedelta(seconds=65 - now.second))


@pytest.fixture
def meter(aws: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meter:
    return made(aws, tmp_path, monkeypatch)


def made(aws: Emulated, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Meter:
    monkeypatch.setattr(Account, "control", lambda a, path: aws.control(a, path))
    account = Account("local", AnsweringSession(aws.answers()))
    return Meter(account, folder / "meter.json", lambda: aws.now)


def message(id_: str = "m", *, visible: bool = True) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    return {"MessageId": id_, "IsVisible": visible, "SentTimestamp": now, "Body": "private"}


def test_the_deployed_alarms_are_put_and_well_without_data(meter: Meter, aws: Emulated) -> None:
    aws.alarms["cv-analytics-local-of-a-stack-that-is-gone"] = "OK"
    meter.tick()
    assert aws.alarms == {
        "cv-analytics-local-processor-dead-letters": "OK",
        "cv-analytics-local-processor-api-errors": "OK",
    }


def test_a_dead_letter_raises_the_alarm_and_a_minute_without_one_clears_it(
    meter: Meter, aws: Emulated
) -> None:
    meter.tick()
    aws.messages.append(message())
    assert meter.tick() == {"cv-analytics-local-processor-dead-letters": "ALARM"}
    aws.ahead += timedelta(minutes=1)
    assert meter.tick() == {}, "it is still there"
    aws.messages.clear()
    assert meter.tick() == {}, "it was there in this minute"
    aws.ahead += timedelta(minutes=1)
    assert meter.tick() == {"cv-analytics-local-processor-dead-letters": "OK"}


def test_a_queue_is_measured_once_a_minute_and_an_empty_one_never(
    meter: Meter, aws: Emulated
) -> None:
    meter.tick()
    assert aws.points == []
    aws.messages.append(message(visible=False))
    for _ in range(3):
        meter.tick()
    aws.ahead += timedelta(minutes=1)
    meter.tick()
    assert [name for name, _ in aws.names()] == ["ApproximateAgeOfOldestMessage"]
    assert aws.names()[0][1] == pytest.approx(60, abs=2)


def test_a_line_is_counted_once_by_whatever_meter(
    meter: Meter, aws: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.log(REPORT)
    meter.tick()
    meter.tick()
    aws.log(REPORT, stream="t")
    meter.tick()
    made(aws, tmp_path, monkeypatch).tick()
    assert aws.names().count(("Invocations", 1.0)) == 2


def test_lines_that_come_late_within_the_overlap_are_counted(meter: Meter, aws: Emulated) -> None:
    aws.log(REPORT)
    meter.tick()
    aws.log(REPORT, stream="late")
    aws.events[GROUP][-1]["timestamp"] -= OVERLAP_MS - 1_000
    meter.tick()
    assert aws.names().count(("Invocations", 1.0)) == 2


def test_lines_of_before_the_meter_are_not_counted(meter: Meter, aws: Emulated) -> None:
    aws.log(REPORT)
    aws.events[GROUP][0]["timestamp"] -= 60_000
    meter.tick()
    assert aws.points == []


@pytest.mark.parametrize("text", ["", "{", '{"else": 1}'])
def test_progress_that_cannot_be_read_is_a_beginning(
    text: str, aws: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meter.json").write_text(text)
    made(aws, tmp_path, monkeypatch).tick()
    assert aws.alarms


def test_a_request_that_fails_raises_the_alarm_of_its_api(meter: Meter, aws: Emulated) -> None:
    aws.log(json.dumps({"status": 503, "duration_ms": 2}), API_GROUP)
    assert meter.tick()["cv-analytics-local-processor-api-errors"] == "ALARM"


def test_what_a_clock_ahead_sees_is_recorded_at_its_time(meter: Meter, aws: Emulated) -> None:
    meter.tick()
    aws.ahead += timedelta(hours=30)
    aws.log(REPORT)
    meter.tick()
    [stamp] = {datum["Timestamp"] for _, datum in aws.points}
    assert abs(stamp - aws.now) < timedelta(seconds=5)


def test_a_deployment_that_changes_alarms_is_noticed(
    meter: Meter, aws: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter.tick()
    aws.stacks = {"cv-analytics-processor-local": [API_ERRORS]}
    meter.tick()
    assert len(aws.alarms) == 2
    monkeypatch.setattr("tools.observe.meter.DEFINITIONS_SECONDS", 0.0)
    meter.tick()
    assert list(aws.alarms) == ["cv-analytics-local-processor-api-errors"]


def test_no_body_of_a_message_leaves_the_meter(meter: Meter, aws: Emulated) -> None:
    aws.messages.append(message())
    aws.log(json.dumps({"requests": ["private"], "failures": 1}))
    aws.log(REPORT)
    meter.tick()
    assert aws.points
    assert "private" not in json.dumps(aws.points, default=str)


# ---- what is not known --------------------------------------------------------------------------

DAILY = {
    "EvaluationPeriods": 3,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "breaching",
    "MetricName": "runs",
}


@pytest.mark.parametrize(
    ("known", "runs", "expected"),
    [
        (3, [None, None, None], "ALARM"),
        (2, [None, None, None], "INSUFFICIENT_DATA"),
        (2, [None, None, 0.0], "OK"),
        (99, [None, None, None], "ALARM"),
        (None, [None, None, None], "ALARM"),
    ],
)
def test_a_period_before_the_meter_began_is_not_missing_but_unknown(
    known: int | None, runs: list[float | None], expected: str
) -> None:
    assert state(DAILY, {"runs": runs}, known) == expected


def test_all_metrics_of_an_alarm_are_known_by_their_ids() -> None:
    assert list(alarms.Definition(DEAD_LETTERS).metrics) == ["a"]
    only = alarms.Definition(API_ERRORS)
    assert (list(only.metrics), only.period, only.periods) == (["5xx"], 60, 1)
