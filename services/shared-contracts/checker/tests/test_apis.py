"""OpenAPI documents: what stands behind references and at the top is compared, or reported."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from cv_contracts_checker.cli import main
from cv_contracts_checker.compatibility import Level, check_api
from cv_contracts_checker.errors import SchemaError

Document = dict[str, Any]


def document() -> Document:
    """An API whose every part stands behind a reference."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1.0"},
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/a/{id}": {
                "get": {
                    "summary": "one",
                    "parameters": [
                        {
                            "name": "id",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        },
                        {"$ref": "#/components/parameters/Limit"},
                        {"name": "X-Key", "in": "header", "schema": {"type": "string"}},
                        {
                            "name": "filter",
                            "in": "query",
                            "content": {"application/json": {"schema": {"type": "string"}}},
                        },
                    ],
                    "requestBody": {"$ref": "#/components/requestBodies/Body"},
                    "responses": {"200": {"$ref": "#/components/responses/Answer"}},
                }
            },
            "/b": {"$ref": "#/components/pathItems/B"},
        },
        "components": {
            "parameters": {
                "Limit": {
                    "name": "limit",
                    "in": "query",
                    "schema": {"type": "integer", "default": 100},
                }
            },
            "requestBodies": {
                "Body": {"content": {"application/json": {"schema": {"type": "integer"}}}}
            },
            "headers": {"Count": {"required": True, "schema": {"type": "integer"}}},
            "responses": {
                "Answer": {
                    "description": "fine",
                    "headers": {"X-Count": {"$ref": "#/components/headers/Count"}},
                    "content": {"application/json": {"schema": {"type": "integer"}}},
                }
            },
            "pathItems": {"B": {"post": {"responses": {"204": {"description": "done"}}}}},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "k"},
                "other": {"type": "http", "scheme": "basic"},
            },
        },
    }


def put(place: str, value: object) -> Any:
    """A change: set what stands at a place, `a.b.c`; a number is an index. `None` removes it."""

    def change(changed: Document) -> None:
        *way, last = [int(part) if part.isdecimal() and len(part) < 3 else part
                      for part in place.split("|")]  # fmt: skip
        part: Any = changed
        for step in way:
            part = part[step]
        if value is None:
            del part[last]
        else:
            part[last] = value

    return change


OPERATION = "paths|/a/{id}|get"
COMPONENTS = {name: f"components|{name}" for name in document()["components"]}
CALLBACK = {"done": {"{$request.body}": {"post": {"responses": {"200": {"description": "ok"}}}}}}
BREAKING = {
    "a parameter became required": put(f"{COMPONENTS['parameters']}|Limit|required", True),
    "a parameter's schema": put(f"{COMPONENTS['parameters']}|Limit|schema|type", "boolean"),
    "a response's schema": put(
        f"{COMPONENTS['responses']}|Answer|content|application/json|schema|type", "string"
    ),
    "a body's schema": put(
        f"{COMPONENTS['requestBodies']}|Body|content|application/json|schema|type", "string"
    ),
    "a body became required": put(f"{COMPONENTS['requestBodies']}|Body|required", True),
    "a required parameter of a path": put(
        f"{COMPONENTS['pathItems']}|B|parameters", [{"in": "query", "name": "q", "required": True}]
    ),
    "a header may be missing": put(f"{COMPONENTS['headers']}|Count|required", False),
    "a header's schema": put(f"{COMPONENTS['headers']}|Count|schema|type", "string"),
    "a header was removed": put(f"{COMPONENTS['responses']}|Answer|headers", {}),
    "security at the top": put("security", [{"other": []}]),
    "security of an operation": put(f"{OPERATION}|security", [{"key": [], "other": []}]),
    "a security scheme": put(f"{COMPONENTS['securitySchemes']}|key", {"type": "http"}),
    "servers": put("servers", [{"url": "/v2"}]),
    "servers of an operation": put(f"{OPERATION}|servers", [{"url": "/v2"}]),
    "a parameter's content": put(
        f"{OPERATION}|parameters|3|content|application/json|schema|type", "integer"
    ),
    "a parameter's way of writing": put(f"{OPERATION}|parameters|3|schema", True),
    "a callback": put(f"{OPERATION}|callbacks", CALLBACK),
    "webhooks": put("webhooks", {"new": {}}),
    "the dialect of schemas": put("jsonSchemaDialect", "https://dialect.example"),
    "the version of OpenAPI": put("openapi", "3.2.0"),
    "a style": put(f"{COMPONENTS['parameters']}|Limit|style", "pipeDelimited"),
    "an encoding": put(
        f"{COMPONENTS['requestBodies']}|Body|content|application/json|encoding", {"a": {}}
    ),
    "a path item's operation": put(f"{COMPONENTS['pathItems']}|B|post", None),
    "a schema outside of the document": put(
        f"{COMPONENTS['responses']}|Answer|content|application/json|schema",
        {"$ref": "other.json#/x"},
    ),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_change_that_clients_notice_or_nobody_can_prove_is_breaking(change: Any) -> None:
    old, new = document(), document()
    change(new)
    if "content" in new["paths"]["/a/{id}"]["get"]["parameters"][3] and (
        new["paths"]["/a/{id}"]["get"]["parameters"][3].get("schema") is True
    ):
        del new["paths"]["/a/{id}"]["get"]["parameters"][3]["content"]
    assert not check_api("api", old, new).compatible


def renamed(changed: Document) -> None:
    changed["paths"]["/a/{key}"] = changed["paths"].pop("/a/{id}")
    changed["paths"]["/a/{key}"]["get"]["parameters"][0]["name"] = "key"


HARMLESS = {
    "nothing": lambda _: None,
    "a path parameter's name": renamed,
    "a header's case": put(f"{OPERATION}|parameters|2|name", "x-key"),
    "a response header's case": put(
        f"{COMPONENTS['responses']}|Answer|headers",
        {"x-count": {"$ref": "#/components/headers/Count"}},
    ),
    "a summary": put(f"{OPERATION}|summary", "two"),
    "a title": put("info|title", "Other things"),
    "tags at the top": put("tags", [{"name": "a"}]),
    "an extension": put("x-owner", "team"),
    "a charset": put(
        f"{COMPONENTS['responses']}|Answer|content",
        {"application/json; charset=UTF-8": {"schema": {"type": "integer"}}},
    ),
    "a further server": put("servers", [{"url": "/v1"}, {"url": "/v2"}]),
    "a further way to sign": put("security", [{"key": []}, {"other": []}]),
    "no need to sign": put("security", [{}]),
    "a description of a scheme": put(f"{COMPONENTS['securitySchemes']}|key|description", "k"),
    "an unused scheme": put(f"{COMPONENTS['securitySchemes']}|third", {"type": "http"}),
    "a better text of OpenAPI": put("openapi", "3.1.1"),
    "a further header": put(
        f"{COMPONENTS['responses']}|Answer|headers|X-More", {"schema": {"type": "string"}}
    ),
    "an example": put(
        f"{COMPONENTS['responses']}|Answer|content|application/json|example", 1
    ),
    "a response that is written out": put(
        f"{OPERATION}|responses|200", document()["components"]["responses"]["Answer"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_no_client_notices_is_compatible(change: Any) -> None:
    old, new = document(), document()
    change(new)
    assert check_api("api", old, new).compatible, check_api("api", old, new).changes


def test_what_stands_behind_a_reference_or_in_its_place_is_the_same() -> None:
    old, new = document(), document()
    put(f"{OPERATION}|responses|200", document()["components"]["responses"]["Answer"])(new)
    put(f"{OPERATION}|parameters|2|name", "x-key")(new)
    assert check_api("api", old, new).level == Level.NONE


def test_a_changed_default_is_a_minor_change_with_a_warning() -> None:
    old, new = document(), document()
    new["components"]["parameters"]["Limit"]["schema"]["default"] = 10
    verdict = check_api("api", old, new)
    assert verdict.level == Level.MINOR
    assert "warning" in verdict.changes[0].why


def nowhere(changed: Document) -> None:
    changed["paths"]["/a/{id}"]["get"]["parameters"][1]["$ref"] = "#/components/parameters/None"


def circular(changed: Document) -> None:
    changed["components"]["parameters"]["Limit"] = {"$ref": "#/components/parameters/Limit"}


UNREADABLE = {
    "no version": put("info", {"title": "x"}),
    "no info": put("info", None),
    "a list of paths": put("paths", []),
    "a reference to nothing": nowhere,
    "a reference to itself": circular,
    "a parameter without a place": put(f"{OPERATION}|parameters|0", {"name": "id"}),
    "a text for parameters": put(f"{OPERATION}|parameters", "none"),
    "a list of responses": put(f"{OPERATION}|responses", []),
    "two paths that are one": put("paths|/a/{other}", document()["paths"]["/a/{id}"]),
    "components that are a list": put("components", []),
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_a_document_that_cannot_be_read_is_an_error_with_a_sentence(change: Any) -> None:
    old, new = document(), document()
    change(new)
    with pytest.raises(SchemaError):
        check_api("api", old, new)


T = {"$ref": "#/$defs/T"}


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"properties": {"a": T}, "$defs": {"T": T}}, 2),
        ({"properties": {"a": T}, "$defs": {"T": {"allOf": [T], "minimum": 0}}}, 2),
        ({"properties": {"a": {"$ref": "#/$defs/a%20b"}}, "$defs": {"a b": {}}}, 0),
        ({"properties": {"a": {"$ref": "#foo"}}}, 2),
        ({"properties": {"a": {"$ref": "other.json#/x"}}}, 2),
        ({"properties": {"a": {"exclusiveMinimum": True, "type": "number"}}}, 2),
        ({"properties": {"a": {"multipleOf": 0, "type": "number"}}}, 2),
        ({"properties": []}, 2),
        ([], 2),
    ],
    ids=str,
)
def test_compare_ends_and_says_what_it_cannot_read(
    schema: Any, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(schema))
    changed = {**schema, "minProperties": 0} if isinstance(schema, dict) else schema
    new.write_text(json.dumps(changed))
    assert main(["compare", str(old), str(new)]) == code
    assert code != 2 or capsys.readouterr().err.startswith("cv-contracts: ")


# --- any two documents --------------------------------------------------------------------------

TYPES = st.sampled_from(["string", "integer", "boolean", "array", "object", "number"])
REFERENCE = st.sampled_from(["A", "B", "C"]).map(
    lambda name: {"$ref": f"#/components/schemas/{name}"}
)
SCHEMAS = st.recursive(
    st.one_of(
        REFERENCE,
        st.booleans(),
        st.builds(lambda name: {"type": name}, TYPES),
        st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-9, 9)),
        st.builds(lambda text: {"enum": [text, 1]}, st.text(max_size=3)),
        st.builds(lambda value: {"type": "integer", "default": value}, st.integers(0, 9)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
        st.builds(lambda one, two: {"oneOf": [one, two]}, inner, inner),
        st.builds(lambda one, two: {"allOf": [one, two]}, inner, inner),
        st.builds(
            lambda one, two, needed: {
                "type": "object",
                "properties": {"a": one, "b": two},
                "required": needed,
            },
            inner,
            inner,
            st.lists(st.sampled_from("ab"), unique=True),
        ),
    ),
    max_leaves=6,
)
MEDIA = st.builds(lambda schema: {"application/json": {"schema": schema}}, SCHEMAS)
HEADERS = st.dictionaries(
    st.sampled_from(["X-A", "x-b"]), st.builds(lambda schema: {"schema": schema}, SCHEMAS)
)
RESPONSES = st.builds(
    lambda media, headers: {"description": "d", "content": media, "headers": headers},
    MEDIA,
    HEADERS,
)
PARAMETERS = st.builds(
    lambda name, place, schema, required: {
        "name": name,
        "in": place,
        "schema": schema,
        "required": required,
    },
    st.sampled_from(["a", "b"]),
    st.sampled_from(["query", "header", "cookie"]),
    SCHEMAS,
    st.booleans(),
)
SECURITY = st.sampled_from([[], [{}], [{"key": []}], [{"key": []}, {}]])
OPERATIONS = st.fixed_dictionaries(
    {
        "responses": st.dictionaries(
            st.sampled_from(["200", "404", "default"]),
            st.one_of(RESPONSES, st.just({"$ref": "#/components/responses/R"})),
            min_size=1,
        )
    },
    optional={
        "parameters": st.lists(
            st.one_of(PARAMETERS, st.just({"$ref": "#/components/parameters/P"})),
            max_size=3,
            unique_by=lambda one: (one.get("name"), one.get("in")),
        ),
        "requestBody": st.builds(
            lambda media, required: {"content": media, "required": required}, MEDIA, st.booleans()
        ),
        "security": SECURITY,
        "servers": st.just([{"url": "/v2"}]),
        "callbacks": st.just(CALLBACK),
    },
)
DOCUMENTS = st.builds(
    lambda paths, schemas, response, parameter, security: {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1.0"},
        "security": security,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"R": response},
            "parameters": {"P": {**parameter, "name": "p"}},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "k"}},
        },
    },
    st.dictionaries(
        st.sampled_from(["/a", "/b"]),
        st.dictionaries(st.sampled_from(["get", "post"]), OPERATIONS),
    ),
    st.fixed_dictionaries({"A": SCHEMAS, "B": SCHEMAS, "C": SCHEMAS}),
    RESPONSES,
    PARAMETERS,
    SECURITY,
)
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(DOCUMENTS, DOCUMENTS)
def test_any_two_documents_get_a_verdict_within_a_second(old: Document, new: Document) -> None:
    before = deepcopy((old, new))
    start = time.process_time()
    for pair in ((old, new), (old, old)):
        verdict = check_api("api", *pair)
        assert verdict.level == Level.NONE or pair[1] is not old
    assert time.process_time() - start < 1
    assert (old, new) == before


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_the_generated_documents_are_openapi(one: Document) -> None:
    # The validator does not end on a model that refers to itself.
    models: dict[str, Document] = {key: {} for key in "ABC"}
    one["components"]["schemas"] = models
    assert not list(OpenAPIV31SpecValidator(one).iter_errors())
