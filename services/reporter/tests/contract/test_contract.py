"""The Reporter as a consumer: what it declares is what it reads, and every sample is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cv_contracts.events import CorrelationCompleted

from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.declaration import READS
from cv_reporter.application.wire.reading import CompletedReading, Reading
from cv_reporter.domain.fact import Outcome

CONTRACTS = Path(__file__).parents[3] / "shared-contracts"
SAMPLES = sorted(
    (event, path) for event in READS for path in (CONTRACTS / "samples" / event).rglob("*.json")
)
REMEDY = """the Reporter reads what it has not declared. In services/reporter:

.venv/bin/python -c 'import json; from cv_reporter.application.wire.declaration import READS
print(json.dumps({event: model.model_json_schema() for event, model in READS.items()}))' |
  ../shared-contracts/.venv/bin/cv-contracts snapshot --root ../shared-contracts --consumer reporter
"""


def test_the_reporter_declares_what_it_reads() -> None:
    files = (CONTRACTS / "consumers" / "reporter").glob("*.json")
    declared = {path.stem: json.loads(path.read_text("utf-8")) for path in files}
    assert declared == {event: model.model_json_schema() for event, model in READS.items()}, REMEDY


@pytest.mark.parametrize(("event", "path"), SAMPLES, ids=lambda one: getattr(one, "stem", one))
def test_every_sample_ever_published_is_read(event: str, path: Path) -> None:
    READS[event].model_validate(json.loads(path.read_text("utf-8")))


def test_there_are_samples_of_every_event_that_is_read() -> None:
    assert {event for event, _ in SAMPLES} == set(READS)


def sample(event: str) -> dict[str, Any]:
    path = next(path for name, path in SAMPLES if name == event)
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@pytest.mark.parametrize("event", list(READS))
def test_fields_of_later_versions_are_ignored(event: str) -> None:
    later = grown(sample(event))
    assert READS[event].model_validate(later) == READS[event].model_validate(sample(event))


def grown(document: Any) -> Any:
    """The document with a field more in every object."""
    if isinstance(document, dict):
        return {**{key: grown(value) for key, value in document.items()}, "later": {"x": [1]}}
    return [grown(one) for one in document] if isinstance(document, list) else document


def test_members_of_later_versions_become_unknown() -> None:
    event = sample(CorrelationCompleted.DETAIL_TYPE)
    later = {**event, "data": {**event["data"], "outcome": "deflected", "client": "kiosk"}}
    fact = to_fact(CompletedReading.model_validate(later).data, AudienceRules())
    assert (fact.outcome, fact.client) == (Outcome.UNKNOWN, "kiosk")


def test_the_bus_and_the_api_tell_the_same_fact() -> None:
    event = sample(CorrelationCompleted.DETAIL_TYPE)
    by_bus = CompletedReading.model_validate(event).data
    by_api = CorrelationCompleted.from_event({"detail": event}).data
    assert to_fact(by_bus, AudienceRules()) == to_fact(by_api, AudienceRules())


def test_no_field_is_read_in_vain() -> None:
    """Every field of an erasure is used by the eraser, of a correlation by the fact."""
    unused = {
        name for model in READS.values() for name in fields(model) if f".{name}" not in SOURCES
    }
    assert unused == set()


USERS = ("wire/arrivals.py", "erasure.py", "project.py")
HERE = Path(__file__).parents[2] / "src" / "cv_reporter" / "application"
SOURCES = "".join((HERE / name).read_text("utf-8") for name in USERS)


def fields(model: type[Reading]) -> set[str]:
    """The names of all fields, of the inner models too."""
    inner = (annotated(one.annotation) for one in model.model_fields.values())
    return set(model.model_fields).union(*(fields(one) for ones in inner for one in ones))


def annotated(annotation: Any) -> list[type[Reading]]:
    """The models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Reading):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in annotated(part)]
