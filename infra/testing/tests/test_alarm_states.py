"""Every alarm, by its definition: a fault's data raises it, and recovery clears it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final

import pytest
from tools.observe.evaluation import Series, evaluate, state

from testing.stacks import builders, template
from testing.template import of_type

Recorded = dict[str, Series]
HOURS: Final = 26
QUIET: Final[list[float | None]] = [None] * HOURS

# What the fault leaves in the metrics, newest last; metrics that are not named have no data.
FAULTS: Final[dict[str, dict[str, Recorded]]] = {
    "processor": {
        "dead-letters": {"erasure_dlq": [1]},
        "queue-age": {"ingest": [301, 361, 421], "deadline": [900, 900, 900]},
        "iterator-age": {"relay": [310_001, 370_000, 430_000]},
        "errors": {"reported": [1]},
        "api-errors": {"5xx": [1]},
        "api-latency": {"Latency": [5_001, 9_000, 5_001]},
        "throttles": {"Throttles": [1, 1, 1]},
        "not-published": {"recorded": [1, 1], "relayed": [None, 0]},
    },
    "reporter": {
        "dead-letters": {"facts_dlq": [0, 1]},
        "link-dead-letters": {"rule_dlq": [2]},
        "queue-age": {"facts": [901, 961, 1_021]},
        "iterator-age": {"relay": [0, 0, 0], "summarise": [600_001, 660_000, 720_000]},
        "errors": {"report": [1]},
        "api-errors": {"5xx": [3]},
        "api-latency": {"Latency": [5_001, 5_001, 5_001]},
        "throttles": {"Throttles": [1, 1, 1]},
        "project-lag": {"ProjectLag": [120_001] * 5},
        "events-lost": {"ReconciliationHealed": [1]},
        "not-compared": {"ReconciliationDaysNotCompared": [3]},
        "report-overdue": {"ReportOverdue": [1]},
        "mail": {"stopped": [1]},
        "heartbeat": {"reconcile": [1, *QUIET], "relay": [1, *QUIET], "summarise": [1, *QUIET]},
    },
}
# The usual: no data but where a heartbeat is expected, and values at their limits.
WELL: Final[dict[str, Recorded]] = {
    "queue-age": {"ingest": [300] * 3, "deadline": [1_800] * 3, "facts": [900] * 3},
    "iterator-age": {"relay": [300_000] * 3, "summarise": [600_000] * 3},
    "api-latency": {"Latency": [5_000] * 3},
    "project-lag": {"ProjectLag": [120_000] * 5},
    "not-compared": {"ReconciliationDaysNotCompared": [2]},
    "not-published": {"recorded": [5, 5], "relayed": [0, 1]},
    "heartbeat": {name: [1, *QUIET[1:]] for name in ("reconcile", "relay", "summarise")},
}
CASES: Final = [
    (service, title) for service, faults in FAULTS.items() for title in faults
    if service in builders()
]  # fmt: skip


def alarms_of(service: str) -> dict[str, Mapping[str, Any]]:
    """By title, of the service's stack and its links."""
    names = [name for name in builders() if name.split("-")[0] == service]
    alarms = [p for n in names for _, p in of_type(template(n, "prod"), "AWS::CloudWatch::Alarm")]
    return {alarm["AlarmDescription"].rsplit("#", 1)[1]: alarm for alarm in alarms}


def state_of(alarm: Mapping[str, Any], recorded: Recorded) -> str:
    """The alarm's state; every metric that is not recorded has no data."""
    ids = [query["Id"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    known: Recorded = {id_: [None] for id_ in ids or [alarm["MetricName"]]}
    return state(alarm, {**known, **{k: v for k, v in recorded.items() if k in known}})


@pytest.mark.parametrize("service", [name for name in FAULTS if name in builders()])
def test_every_alarm_has_a_fault_here(service: str) -> None:
    assert set(FAULTS[service]) == set(alarms_of(service))


@pytest.mark.parametrize(("service", "title"), CASES)
def test_a_fault_raises_the_alarm_and_recovery_clears_it(service: str, title: str) -> None:
    alarm = alarms_of(service)[title]
    assert set(FAULTS[service][title]) <= set(_metrics(alarm)), "a metric that it does not read"
    assert state_of(alarm, WELL.get(title, {})) == "OK"
    assert state_of(alarm, FAULTS[service][title]) == "ALARM"
    assert state_of(alarm, WELL.get(title, {})) == "OK"


@pytest.mark.parametrize(("service", "title"), CASES)
def test_a_fault_that_is_over_before_the_last_period_raises_nothing(
    service: str, title: str
) -> None:
    alarm = alarms_of(service)[title]
    over: Recorded
    if alarm["TreatMissingData"] == "breaching":
        over = {name: [*series[1:], 1] for name, series in FAULTS[service][title].items()}
    else:
        over = {name: [*series, None] for name, series in FAULTS[service][title].items()}
    assert state_of(alarm, over) == "OK"


@pytest.mark.parametrize("missing", ["reconcile", "relay", "summarise"])
def test_one_of_three_that_did_not_run_is_no_heartbeat(missing: str) -> None:
    if "reporter" not in builders():
        pytest.skip("this checkout lacks the Reporter")
    ran: Recorded = {name: [1] * HOURS for name in ("reconcile", "relay", "summarise")}
    alarm = alarms_of("reporter")["heartbeat"]
    assert state_of(alarm, ran) == "OK"
    assert state_of(alarm, ran | {missing: QUIET}) == "ALARM"
    assert state_of(alarm, {}) == "ALARM"


@pytest.mark.parametrize("expression", ["RATE(a)", "a", "FILL(a, REPEAT)", "a * 2", "a < 1"])
def test_what_is_not_known_of_metric_math_is_an_error(expression: str) -> None:
    with pytest.raises(ValueError, match="add it"):
        evaluate(ast.parse(expression, mode="eval").body, {"a": 1.0})


def _metrics(alarm: Mapping[str, Any]) -> list[str]:
    if "MetricName" in alarm:
        return [str(alarm["MetricName"])]
    return [query["Id"] for query in alarm["Metrics"] if "MetricStat" in query]
