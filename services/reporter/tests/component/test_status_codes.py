"""Every cause of `docs/errors.md` that can happen here gives the status that stands there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from fastapi.testclient import TestClient

from cv_reporter.adapters.aws import client, client_without_retries
from cv_reporter.application.queries import Queries
from cv_reporter.entrypoints.api import create_app
from tests.component.world import World

PAGE = Path(__file__).parents[4] / "docs" / "errors.md"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WEEK = "/v1/reports/2025-W46"


def failing(service: Any, status: int, code: str) -> Callable[..., Any]:
    """Make every call of an AWS client fail."""

    def fail(**_: Any) -> Any:
        error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("https://aws.example", status, {}, None), error

    service.meta.events.register_first("before-call", fail)
    return lambda: service.meta.events.unregister("before-call", fail)


def with_failing(
    request: tuple[str, str], service: Any, status: int, code: str
) -> Callable[[TestClient], Any]:
    def ask(api: TestClient) -> Any:
        restore = failing(service(), status, code)
        try:
            return api.request(*request)
        finally:
            restore()

    return ask


def broken(api: TestClient) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queries, "questions", fail)
        return api.get("/v1/questions?from=2025-11-10&to=2025-11-16")


def table() -> Any:
    return client("dynamodb")


def mail() -> Any:
    return client_without_retries("sesv2")


def note(body: bytes, media_type: str = JSON) -> Callable[[TestClient], Any]:
    def ask(api: TestClient) -> Any:
        return api.post("/v1/annotations", content=body, headers={"content-type": media_type})

    return ask


SEND = ("POST", f"{WEEK}?send=true")
CAUSES: dict[str, list[Callable[[TestClient], Any]]] = {
    "a route that is not there": [lambda api: api.get("/v1/nowhere")],
    "a method that the route does not have": [lambda api: api.delete("/v1/reports")],
    "a parameter or body that is not of the described form": [
        lambda api: api.get("/v1/questions?from=x&to=y"),
        lambda api: api.get("/v1/reports/2025-W99"),
        lambda api: api.put("/v1/cv-skills", json={"skills": 1}),
        note(b"{broken"),
    ],
    "a body larger than 64 KiB": [
        note(b'{"text": "' + b"x" * 70_000 + b'"}'),
        lambda api: api.post(
            "/v1/annotations", content=iter([b"[" * 40_000] * 2), headers={"content-type": JSON}
        ),
        lambda api: api.post("/dashboard/note", data={"text": "x" * 70_000}),
    ],
    "a body that is not JSON by its media type": [
        note(b'{"date": "2025-11-10", "text": "x"}', "text/plain"),
        note(b"text=x", FORM),
    ],
    "an id or week of which nothing is kept": [
        lambda api: api.get("/v1/reports/2024-W01"),
        lambda api: api.delete("/v1/annotations/0123456789abcdef"),
    ],
    "AWS throttles us": [
        with_failing(("GET", "/v1/reports"), table, 400, "ThrottlingException"),
        with_failing(("GET", "/v1/gaps"), table, 400, "ProvisionedThroughputExceededException"),
    ],
    "AWS does not answer, or fails": [
        with_failing(("GET", "/v1/reports"), table, 500, "InternalServerError")
    ],
    "an error of ours": [broken],
    "a mail that was surely not sent": [with_failing(SEND, mail, 400, "MessageRejected")],
    "a mail that may be out or not": [with_failing(SEND, mail, 500, "InternalFailure")],
}


def documented() -> dict[str, tuple[int, str | None]]:
    """The causes that can happen here, by the page: status and Retry-After."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:2] == "| "]
    column = rows[0].index("Reporter")
    return {row[0]: (int(row[1]), row[2] or None) for row in rows[1:] if row[column] == "yes"}


def test_every_cause_of_the_page_is_provoked_here() -> None:
    assert set(documented()) == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_has_the_status_that_the_page_says(busy: World, cause: str) -> None:
    status, retry_after = documented()[cause]
    for ask in CAUSES[cause]:
        answer = ask(TestClient(create_app(), raise_server_exceptions=False))
        assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
