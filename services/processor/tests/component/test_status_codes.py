"""Every cause of `docs/errors.md` that can happen here gives the status that stands there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from cv_contracts import webhook
from fastapi.testclient import TestClient

from cv_processor.adapters.aws import client
from cv_processor.entrypoints.api import create_app
from tests.component.test_ways_in import signed
from tests.component.world import World
from tests.events import query

PAGE = Path(__file__).parents[4] / "docs" / "errors.md"
JSON = "application/json"
BODY = json.dumps(query()).encode()
DAY = ("GET", "/v1/days/2025-11-10")


def with_failing(
    request: tuple[str, str], service: str, status: int, code: str, body: bytes | None = None
) -> Callable[[TestClient], Any]:
    """A request while every call of an AWS client fails."""

    def fail(**_: Any) -> Any:
        error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("https://aws.example", status, HTTPHeaders(), None), error

    def ask(api: TestClient) -> Any:
        events = client(service).meta.events
        events.register_first("before-call", fail)
        try:
            return api.request(*request, content=body, headers={"content-type": JSON})
        finally:
            events.unregister("before-call", fail)

    return ask


def broken(api: TestClient) -> Any:
    api.app.state.services = None  # type: ignore[attr-defined]
    return api.request(*DAY)


def event(
    body: bytes, media_type: str = JSON, path: str = "/v1/events", **headers: str
) -> Callable[[TestClient], Any]:
    def ask(api: TestClient) -> Any:
        return api.post(path, content=body, headers={"content-type": media_type} | headers)

    return ask


def badly_signed(api: TestClient) -> Any:
    return api.post(webhook.PATH, content=BODY, headers={"content-type": JSON} | signed("x" * 64))


CAUSES: dict[str, list[Callable[[TestClient], Any]]] = {
    "a route that is not there": [lambda api: api.get("/v1/nowhere")],
    "a method that the route does not have": [lambda api: api.delete("/v1/events")],
    "a parameter or body that is not of the described form": [
        lambda api: api.get("/v1/correlations?from=x&to=y"),
        event(b"{broken"),
    ],
    "a body larger than 64 KiB": [
        event(b"[" + b" " * 70_000 + b"]"),
        event(b"[" + b" " * 70_000 + b"]", path=webhook.PATH),
        lambda api: api.post(
            "/v1/events", content=iter([b"[" * 40_000] * 2), headers={"content-type": JSON}
        ),
    ],
    "a body that is not JSON by its media type": [event(BODY, "text/plain")],
    "an id or week of which nothing is kept": [
        lambda api: api.get("/v1/correlations/11111111-1111-4111-8111-000000000000"),
        lambda api: api.get("/v1/erasures/11111111-1111-4111-8111-000000000000"),
    ],
    "AWS throttles us": [
        with_failing(DAY, "dynamodb", 400, "ThrottlingException"),
        with_failing(("POST", "/v1/events"), "sqs", 400, "RequestThrottled", BODY),
    ],
    "AWS does not answer, or fails": [
        with_failing(DAY, "dynamodb", 500, "InternalServerError"),
        with_failing(("POST", "/v1/events"), "sqs", 500, "InternalFailure", BODY),
    ],
    "an error of ours": [broken],
    "a webhook without a signature of the right form": [event(BODY, path=webhook.PATH)],
    "a webhook whose signature is not good": [badly_signed],
}


def documented() -> dict[str, tuple[int, str | None]]:
    """The causes that can happen here, by the page: status and Retry-After."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:2] == "| "]
    column = rows[0].index("Processor")
    return {row[0]: (int(row[1]), row[2] or None) for row in rows[1:] if row[column] == "yes"}


def test_every_cause_of_the_page_is_provoked_here() -> None:
    assert set(documented()) == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_has_the_status_that_the_page_says(world: World, cause: str) -> None:
    status, retry_after = documented()[cause]
    for ask in CAUSES[cause]:
        answer = ask(TestClient(create_app(), raise_server_exceptions=False))
        assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
