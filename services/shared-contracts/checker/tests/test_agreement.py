"""What the published schemas allow, the models read: documents are generated from the schemas."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cv_contracts.chatbot import read_chatbot_event, read_chatbot_event_json
from cv_contracts.registry import PUBLICATIONS
from cv_contracts_checker.compatibility import reader_view, writer_view
from cv_contracts_checker.compatibility._positions import Schema, rebuilt
from cv_contracts_checker.golden import Folder
from documents import documents

FOLDER = Folder(ROOT)
EVENTS = {one.event.DETAIL_TYPE: one.event for one in PUBLICATIONS}
SCHEMAS = [
    (name, version, view)
    for name in EVENTS
    for version in FOLDER.schemas(name)
    for view in ("writer", "reader")
]
VIEWS = {"writer": writer_view, "reader": reader_view}
API = FOLDER.apis("processor")
patiently = settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def whole_text(schema: Schema) -> Schema:
    """In ECMA-262, which JSON Schema follows, `$` is the text's very end; in Python it is not."""
    if isinstance(schema, dict) and str(schema.get("pattern", "")).endswith("$"):
        schema = {**schema, "pattern": schema["pattern"][:-1] + r"\Z"}
    return rebuilt(schema, whole_text)


def allowed(schema: Any) -> st.SearchStrategy[Any]:
    plain: Any = whole_text(schema)
    validator = jsonschema.Draft202012Validator(plain)
    return documents(plain).filter(validator.is_valid)


@pytest.mark.parametrize(("name", "version", "view"), SCHEMAS)
def test_what_a_schema_allows_its_readers_read(name: str, version: str, view: str) -> None:
    schema: Any = VIEWS[view](dict(FOLDER.schemas(name)[version]))
    event = EVENTS[name]

    @patiently
    @given(allowed(schema))
    def read(document: Any) -> None:
        assert event.read_json(json.dumps(document)) == event.read(document)

    read()


@pytest.mark.parametrize("version", API)
@pytest.mark.parametrize("view", VIEWS)
def test_what_the_api_says_of_a_chatbots_event_is_read(version: str, view: str) -> None:
    schemas = json.dumps(API[version]["components"]["schemas"])
    models = json.loads(schemas.replace("#/components/schemas/", "#/$defs/"))
    schema = {
        "$ref": "#/$defs/ChatbotEvent",
        "$defs": {name: VIEWS[view](one) for name, one in models.items()},
    }

    @patiently
    @given(allowed(schema))
    def read(document: Any) -> None:
        assert read_chatbot_event_json(json.dumps(document)) == read_chatbot_event(document)

    read()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
FIELDS = ("eventType", "requestId", "timestamp", "sessionId", "query", "metadata", "traceparent")


@patiently
@given(st.sampled_from(FIELDS), JSON)
def test_the_reader_and_the_schema_refuse_the_same(field: str, value: Any) -> None:
    event = EVENTS["Question" + "Asked"]
    schema: Any = reader_view(dict(FOLDER.schemas(event.DETAIL_TYPE)[event.VERSION]))
    document = {"requestId": "q1", "timestamp": 1_762_161_120_037, "query": "Go?", field: value}
    validator = jsonschema.Draft202012Validator(schema)
    try:
        event.read(document)
    except ValidationError:
        assert not validator.is_valid(document)
    else:
        assert validator.is_valid(document)
