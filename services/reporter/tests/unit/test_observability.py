"""A metric has exactly the dimensions that alarms and dashboards read, and a unit."""

from __future__ import annotations

import io
import json
import logging

import pytest

from cv_reporter.entrypoints.observability import METRICS, NAMESPACE, SERVICE, log_line

STAGE = "test"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_service_and_stage_as_its_only_dimensions(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Powertools warns when a default dimension changes within a process: the other tests' stage.
    monkeypatch.setenv("STAGE", STAGE)
    [stream] = logging.getLogger(SERVICE).handlers
    assert isinstance(stream, logging.StreamHandler)
    written = io.StringIO()
    before = stream.setStream(written)
    log_line("any", None, metrics={name: 3})
    stream.setStream(before)
    line = json.loads(written.getvalue())
    [emitted] = line["_aws"]["CloudWatchMetrics"]
    assert emitted["Namespace"] == NAMESPACE
    assert sorted(emitted["Dimensions"][0]) == ["service", "stage"]
    assert (line["service"], line["stage"], line[name]) == (SERVICE, STAGE, [3.0])
    assert emitted["Metrics"] == [{"Name": name, "Unit": METRICS[name].value}]


def test_a_metric_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(KeyError, match="Unread"):
        log_line("any", None, metrics={"Unread": 1})
