"""The client's models accept whatever the Processor's OpenAPI document lets it answer, and the
Processor accepts whatever the client may ask."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ROOT
from cv_contracts._base import ContractModel
from cv_contracts.chatbot import QueryEvent, ResponseEvent
from cv_contracts.compatibility import Parties, reader_view, violations, writer_view
from cv_contracts.compatibility.apis import operations
from cv_contracts.compatibility.schemas import Side
from cv_contracts.events import Correlation
from cv_contracts.golden import Folder
from cv_contracts.rest import (
    CorrelationPage,
    CorrelationQuery,
    DayDigest,
    Erasure,
    Health,
    Submission,
)

SNAPSHOTS = Folder(ROOT).apis("processor")
ANSWERS: list[tuple[str, str, type[ContractModel]]] = [
    ("GET /health", "200", Health),
    ("GET /v1/days/{day}", "200", DayDigest),
    ("GET /v1/correlations", "200", CorrelationPage),
    ("GET /v1/correlations/{requestId}", "200", Correlation),
    ("DELETE /v1/sessions/{sessionId}", "202", Erasure),
    ("GET /v1/erasures/{erasureId}", "200", Erasure),
    ("POST /v1/events", "202", Submission),
]


@pytest.mark.parametrize("version", SNAPSHOTS)
@pytest.mark.parametrize(("route", "status", "model"), ANSWERS, ids=str)
def test_the_client_reads_every_answer_that_the_processor_may_give(
    version: str, route: str, status: str, model: type[ContractModel]
) -> None:
    document = SNAPSHOTS[version]
    content = operations(document)[route]["responses"][status]["content"]
    root, schema = Side(document, version, content["application/json"]["schema"]).written()
    reader: Any = reader_view(model.model_json_schema())
    parties = Parties(f"the Processor {version}", "the client")
    assert violations(root, reader, parties, writer_schema=schema) == []


@pytest.mark.parametrize("version", SNAPSHOTS)
def test_the_processor_takes_every_filter_that_the_client_may_send(version: str) -> None:
    listing = operations(SNAPSHOTS[version])["GET /v1/correlations"]
    taken = {one["name"]: one.get("schema", True) for one in listing["parameters"]}
    root = SNAPSHOTS[version]
    asked: Any = writer_view(CorrelationQuery.model_json_schema())
    for name, schema in asked["properties"].items():
        server = Side(root, version, taken[name]).read()
        parties = Parties("the client", f"the Processor {version}")
        found = violations(asked, server[0], parties, writer_schema=schema, reader_schema=server[1])
        assert found == [], name


@pytest.mark.parametrize("version", SNAPSHOTS)
@pytest.mark.parametrize("event", [QueryEvent, ResponseEvent])
def test_the_processor_takes_every_event_that_the_producer_may_send(
    version: str, event: type[ContractModel]
) -> None:
    body = operations(SNAPSHOTS[version])["POST /v1/events"]["requestBody"]["content"]
    root, schema = Side(SNAPSHOTS[version], version, body["application/json"]["schema"]).read()
    written: Any = writer_view(event.model_json_schema())
    tagged: Any = {**written, "required": [*written["required"], "eventType"]}
    batch: Any = {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": tagged, "minItems": 1, "maxItems": 100}
        },
        "required": ["events"],
        "additionalProperties": False,
    }
    parties = Parties("the producer", f"the Processor {version}")
    assert violations(tagged, root, parties, writer_schema=batch, reader_schema=schema) == []
