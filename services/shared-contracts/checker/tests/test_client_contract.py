"""The client's models accept whatever the Processor's OpenAPI document lets it answer, and the
Processor accepts whatever the client may ask."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from cv_contracts import __version__
from cv_contracts._base import ContractModel
from cv_contracts.chatbot import QueryEvent, ResponseEvent
from cv_contracts.client import ProcessorClient
from cv_contracts.rest import (
    CorrelationQuery,
    Submission,
)
from cv_contracts_checker.compatibility import Parties, violations, writer_view
from cv_contracts_checker.compatibility._operations import operations
from cv_contracts_checker.compatibility.schemas import Side
from cv_contracts_checker.gate import Contracts, check
from cv_contracts_checker.golden import Folder, version_key
from cv_contracts_checker.routes import ANSWERS, client_breaks

SNAPSHOTS = Folder(ROOT).apis("processor")
SINCE = {"DELETE /v1/correlations/{requestId}": "1.3"}
"""Routes that the API had not at first; an older Processor answers 405, which the client raises."""


@pytest.mark.parametrize("version", SNAPSHOTS)
def test_the_client_reads_every_answer_that_the_processor_may_give(version: str) -> None:
    older = {route for route, since in SINCE.items() if version_key(version) < version_key(since)}
    missing = {(route, "it no longer answers 202") for route in older}
    assert set(client_breaks(SNAPSHOTS[version], version)) == missing


class Recorder:
    """In place of the client's own caller: notes what is asked, and by which model it is read."""

    def __init__(self) -> None:
        self.calls: set[tuple[str, type]] = set()

    def call(self, method: str, path: str, model: type) -> None:
        asked = f"{method} {path}"
        routes = {route for route, _ in ANSWERS}
        matching = {one for one in routes if re.fullmatch(re.sub("{.*?}", "[^/]+", one), asked)}
        assert len(matching) == 1, f"{asked} is not in ANSWERS"
        self.calls.add((matching.pop(), model))


def test_every_call_of_the_client_is_among_the_checked_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    client = ProcessorClient("http://processor.example")
    monkeypatch.setattr(client, "_caller", recorder)
    client.health()
    client.day("2025-11-03")
    client.correlation("r1")
    client.correlations_page()
    client.erase_session("s1")
    client.erase_question("r1")
    client.erasure("e1")
    producers = {("POST /v1/events", Submission)}
    assert recorder.calls | producers == {(route, model) for (route, _), model in ANSWERS.items()}
    assert {name for name in vars(ProcessorClient) if not name.startswith("_")} == {
        *("health", "day", "correlation", "correlations_page", "erase_session", "erasure"),
        *("correlations", "close", "erase_question"),
    }


def test_the_gate_names_the_client_and_the_route_that_a_change_would_break(tmp_path: Path) -> None:
    for kind in ("schemas", "samples", "openapi"):
        shutil.copytree(ROOT / kind, tmp_path / kind)
    folder = Folder(tmp_path)
    document: Any = SNAPSHOTS[max(SNAPSHOTS)]
    del document["paths"]["/v1/erasures/{erasureId}"]
    document["components"]["schemas"]["DayDigest"]["properties"]["correlations"]["type"] = "string"
    folder.write_api("processor", document)
    told = [
        one.text
        for one in check(folder, Contracts(__version__), date(2026, 1, 1)).problems
        if one.subject == "ProcessorClient"
    ]
    assert told == [
        "would break on GET /v1/days/{day}: `correlations` may now be a string; "
        "clients accept an integer",
        "would break on GET /v1/erasures/{erasureId}: it no longer answers 200",
    ]


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
