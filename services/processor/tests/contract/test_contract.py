"""The Processor as producer and consumer: it writes what is published, and reads what ever was.

Runs against whichever version of the contracts is installed; `make test-skew` runs it against each
released one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cv_contracts.chatbot import QuestionAnswered, QuestionAsked, read_chatbot_event
from cv_contracts.events import (
    CorrelationCompleted,
    QuestionErased,
    SessionErased,
    SessionErasureCompleted,
)

from cv_processor.application.wire.arrivals import Arrival, arrival_of
from cv_processor.application.wire.content import content_hash, deduplication_id
from cv_processor.application.wire.publication import completed_event, erased_event
from cv_processor.domain.correlation import Correlation, give_up, merge_all
from cv_processor.domain.erasure import Erased, Question, Session
from tests.events import ASKED, query, sample

CONTRACTS = Path(__file__).parents[3] / "shared-contracts"


def arrivals() -> dict[str, list[Arrival]]:
    """The sample's halves by question."""
    found: dict[str, list[Arrival]] = {}
    for event in sample():
        arrival = arrival_of(read_chatbot_event(event))
        found.setdefault(arrival.request_id, []).append(arrival)
    return found


def closed() -> Iterator[Correlation]:
    """The sample's questions, with their answers or given up."""
    for request_id, halves in arrivals().items():
        merged = merge_all(Correlation(request_id), [arrival.half for arrival in halves])
        yield give_up(merged, 900_000)


def published() -> Iterator[dict[str, Any]]:
    """What the Processor puts on its bus for the sample, and for erasures."""
    session = Erased("e1", Session("s01"), erased_at=ASKED, correlations=2)
    question = Erased("e2", Question("q-1"), ASKED, correlations=1, asked_at=(ASKED - 9, ASKED))
    events = (*map(completed_event, closed()), erased_event(session), erased_event(question))
    for event in events:
        yield json.loads(event.to_entry("bus")["Detail"])


def test_it_writes_no_field_that_the_published_schema_does_not_declare() -> None:
    written = list(published())
    assert len(written) > 30
    for document in written:
        name, version = document["dataschema"].split(":")[2:]
        schema = json.loads((CONTRACTS / f"schemas/{name}/{version}.json").read_text("utf-8"))
        assert list(undeclared(document, schema, schema["$defs"])) == []


def undeclared(document: Any, schema: dict[str, Any], models: dict[str, Any]) -> Iterator[str]:
    """The fields of a document that its schema does not name."""
    for branch in (schema, *schema.get("anyOf", ())):
        target = models[branch["$ref"].rpartition("/")[2]] if "$ref" in branch else branch
        if isinstance(document, dict) and "properties" in target:
            known = target["properties"]
            yield from (name for name in document if name not in known)
            for name in document.keys() & known.keys():
                yield from undeclared(document[name], known[name], models)
        if isinstance(document, list) and "items" in target:
            for item in document:
                yield from undeclared(item, target["items"], models)


def test_the_search_for_undeclared_fields_finds_one() -> None:
    schema = {"properties": {"a": {"items": {"$ref": "#/$defs/M"}}}}
    found = undeclared({"a": [{"b": 1}], "c": 1}, schema, {"M": {"properties": {}}})
    assert sorted(found) == ["b", "c"]


def test_what_it_writes_it_reads_back() -> None:
    for document in published():
        event = WRITTEN[document["type"]]
        read = event.from_event({"detail": document})
        assert json.loads(read.to_json()) == document


WRITTEN = {
    event.DETAIL_TYPE: event for event in (CorrelationCompleted, SessionErased, QuestionErased)
}
READ = (QuestionAsked, QuestionAnswered, SessionErasureCompleted)
SAMPLES = [
    (event, path)
    for event in READ
    for path in sorted((CONTRACTS / "samples" / event.DETAIL_TYPE).rglob("*.json"))
]


@pytest.mark.parametrize(("event", "path"), SAMPLES, ids=lambda one: getattr(one, "stem", ""))
def test_every_sample_ever_published_is_read(event: Any, path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    event.from_event({"detail": document})
    if "eventType" in document:
        assert arrival_of(read_chatbot_event(document)).request_id == document["requestId"]


def test_there_are_samples_of_every_event_that_is_read() -> None:
    assert {event for event, _ in SAMPLES} == set(READ)


def test_a_callers_trace_is_no_content() -> None:
    """The same event sent again under another trace is a repeat, not a conflict."""
    plain = read_chatbot_event(query())
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    traced = read_chatbot_event(query(traceparent=trace))
    assert content_hash(traced) == content_hash(plain)
    assert deduplication_id(traced) == deduplication_id(plain)
