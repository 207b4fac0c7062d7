"""What state an alarm's definition gives for recorded data, as CloudWatch evaluates it.

The embedded AWS evaluates neither metric math nor missing data, so its meter and the tests of the
alarms do it here. Of metric math only what our alarms use is known; anything else is an error, not
a guess. Sources: CloudWatch's user guide, "Using math expressions" and "Configuring how alarms
treat missing data".
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
# The value of each period, the newest last; `None` where there is no data.
Series = Sequence[float | None]

ARITHMETIC: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
}
OVER_A_LIST: Final[dict[str, Callable[[list[float]], float]]] = {"MAX": max, "MIN": min, "SUM": sum}


def state(
    alarm: Mapping[str, Any], recorded: Mapping[str, Series], known_periods: int | None = None
) -> State:
    """The state of an alarm (a template's properties) that only ever saw what is recorded.

    `recorded` is by the id of a metric in an expression, or by the name of the only metric. Data is
    not missing but unknown in all but the newest `known_periods`.
    """
    periods = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", periods)
    known = periods if known_periods is None else min(known_periods, periods)
    values = [_value(alarm, recorded, back) for back in range(periods)]
    breaching = sum(_breaches(alarm, value) for value in values[:known])
    if breaching >= needed:
        return "ALARM"
    return "INSUFFICIENT_DATA" if breaching + periods - known >= needed else "OK"


def _breaches(alarm: Mapping[str, Any], value: float | None) -> bool:
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    return bool(value > alarm["Threshold"])


def _value(alarm: Mapping[str, Any], recorded: Mapping[str, Series], back: int) -> float | None:
    """The value that the alarm compares, so many periods ago."""
    if "MetricName" in alarm:
        return _at(recorded[alarm["MetricName"]], back)
    [expression] = [query for query in alarm["Metrics"] if "Expression" in query]
    inputs = {q["Id"]: _at(recorded[q["Id"]], back) for q in alarm["Metrics"] if "MetricStat" in q}
    # FILL gives a value only if at least one of the metrics exists at all.
    if all(value is None for id_ in inputs for value in recorded[id_]):
        return None
    return evaluate(ast.parse(expression["Expression"], mode="eval").body, inputs)


def _at(series: Series, back: int) -> float | None:
    return series[-1 - back] if back < len(series) else None


def evaluate(node: ast.expr, inputs: Mapping[str, float | None]) -> float:
    """The value of an expression in one period. Raises `ValueError` for what is not known here."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            return ARITHMETIC[type(op)](evaluate(left, inputs), evaluate(right, inputs))
        case ast.Compare(left, [ast.Gt()], [right]):
            return float(evaluate(left, inputs) > evaluate(right, inputs))
        case ast.Call(ast.Name("FILL"), [ast.Name(id_), ast.Constant(value=int() as default)]):
            value = inputs[id_]
            return float(default) if value is None else value
        case ast.Call(ast.Name("IF"), [condition, then, otherwise]):
            return evaluate(then if evaluate(condition, inputs) else otherwise, inputs)
        case ast.Call(ast.Name(function), [ast.List(items)]) if function in OVER_A_LIST:
            return OVER_A_LIST[function]([evaluate(item, inputs) for item in items])
    raise ValueError(f"{ast.unparse(node)} is not evaluated here: add it")
