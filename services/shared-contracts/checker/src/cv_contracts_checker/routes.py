"""What the typed client reads of the Processor's API, and whether the API still lets it.

The client is the consumer of that API: a change of an answer that its models could not read is
found here, by the route, before anybody deploys it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cv_contracts._base import ContractModel
from cv_contracts._events import Correlation
from cv_contracts.rest import CorrelationPage, DayDigest, Erasure, Health, Submission
from cv_contracts_checker.compatibility import Parties, Side, reader_view, violations
from cv_contracts_checker.compatibility._operations import operations

CLIENT_OF = "processor"

ANSWERS: Mapping[tuple[str, str], type[ContractModel]] = {
    ("GET /health", "200"): Health,
    ("GET /v1/days/{day}", "200"): DayDigest,
    ("GET /v1/correlations", "200"): CorrelationPage,
    ("GET /v1/correlations/{requestId}", "200"): Correlation,
    ("DELETE /v1/correlations/{requestId}", "202"): Erasure,
    ("DELETE /v1/sessions/{sessionId}", "202"): Erasure,
    ("GET /v1/erasures/{erasureId}", "200"): Erasure,
    ("POST /v1/events", "202"): Submission,
}
"""By route and status: the model by which the client (or the producer) reads the answer."""


def client_breaks(document: Mapping[str, Any], version: str) -> Iterator[tuple[str, str]]:
    """(route, what its answer may now be that the client can't read) of an OpenAPI document."""
    routes = operations(document)
    for (route, status), model in ANSWERS.items():
        answer = routes.get(route, {}).get("responses", {}).get(status)
        if answer is None:
            yield route, f"it no longer answers {status}"
            continue
        side = Side(document, version, answer["content"]["application/json"]["schema"])
        root, schema = side.written()
        reader: Any = reader_view(model.model_json_schema())
        parties = Parties(f"the API {version}", "clients")
        for finding in violations(root, reader, parties, writer_schema=schema):
            yield route, finding.message
