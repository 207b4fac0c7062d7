"""The API against its own OpenAPI document: generated requests, and sequences of them by links."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from cv_processor.entrypoints.api import create_app
from tests.component.world import World

FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)

OPERATIONS = {
    "POST /v1/events",
    "POST /v1/webhooks/events",
    "GET /v1/correlations",
    "GET /v1/correlations/{requestId}",
    "GET /v1/correlations/{requestId}/conflicts",
    "DELETE /v1/correlations/{requestId}",
    "GET /v1/days/{day}",
    "DELETE /v1/sessions/{sessionId}",
    "GET /v1/erasures/{erasureId}",
    "GET /health",
}

# A schema cannot say "a cursor that we signed", "a signature of this body", "a day that exists",
# "not anonymous" or "98, not 98.0" (for JSON Schema both are integers, our contracts take the first
# alone); every other check runs on these too.
UNSAYABLE = {
    "POST /v1/events",
    "POST /v1/webhooks/events",
    "GET /v1/correlations",
    "GET /v1/days/{day}",
    "DELETE /v1/sessions/{sessionId}",
}

# In a path every printable text is an id: what is generated as no text, a list, is one there.
TAKES_ANY_TEXT = {
    "GET /v1/correlations/{requestId}",
    "GET /v1/correlations/{requestId}/conflicts",
    "DELETE /v1/correlations/{requestId}",
    "DELETE /v1/sessions/{sessionId}",
}


@pytest.fixture
def api_schema(world: World) -> OpenApiSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", create_app())


def excluded(label: str) -> list[Any]:
    checks: list[Any] = [positive_data_acceptance] if label in UNSAYABLE else []
    return [*checks, negative_data_rejection] if label in TAKES_ANY_TEXT else checks


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_operation_keeps_its_contract(api_schema: OpenApiSchema, label: str) -> None:
    operation = api_schema.find_operation_by_label(label)
    assert operation is not None

    @FEW
    @given(case=operation.as_strategy())
    def keeps_it(case: Any) -> None:
        case.call_and_validate(excluded_checks=excluded(label))

    keeps_it()


def test_sequences_of_requests_keep_the_contract(api_schema: OpenApiSchema) -> None:
    machine = api_schema.as_state_machine()

    class Visitor(machine):  # type: ignore[misc, valid-type] # made at run time
        def validate_response(self, response: Any, case: Any, **others: Any) -> None:
            case.validate_response(response, excluded_checks=excluded(case.operation.label))

    run_state_machine_as_test(Visitor, settings=FEW)


def test_the_document_names_every_route_and_the_links_between_them(
    api_schema: OpenApiSchema,
) -> None:
    paths = api_schema.raw_schema["paths"]
    assert {
        f"{method.upper()} {path}" for path, operations in paths.items() for method in operations
    } == OPERATIONS
    links = {
        name
        for operations in paths.values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        for name in answer.get("links", ())
    }
    assert links == {"correlation", "receipt"}
