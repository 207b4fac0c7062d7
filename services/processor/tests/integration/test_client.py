"""Our tuned clients send what a client with default settings would send, to the same place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from cv_processor.adapters import aws
from cv_processor.adapters.signing import SignedRequests, request_lean
from tests.integration.world import REGION, queue_url

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"pk": {"S": "1"}}}),
    ("sqs", "send_message_batch", {"QueueUrl": queue_url("INGEST"), "Entries": []}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
]


def answer(request: AWSPreparedRequest, status: int) -> AWSResponse:
    """An empty answer."""
    raw: Any = type("Raw", (), {"stream": lambda *_, **__: iter((b"{}",))})()
    return AWSResponse(request.url, status, HTTPHeaders(), raw)


def sent(client: Any, method: str, parameters: dict[str, Any]) -> AWSPreparedRequest:
    """The request that would go out."""
    requests: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        requests.append(request)
        return answer(request, 200)

    client.meta.events.register_first("before-send", catch)
    try:
        getattr(client, method)(**parameters)
    finally:
        client.meta.events.unregister("before-send", catch)
    return requests[0]


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OURS = {"User-Agent", "amz-sdk-invocation-id", "Authorization"}
"""Headers that differ from botocore's; each has a test of its own."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a key")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)


@pytest.fixture
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("botocore.auth", "cv_processor.adapters.signing"):
        monkeypatch.setattr(f"{place}.get_current_datetime", lambda: NOW)


def headers(request: AWSPreparedRequest) -> dict[str, str]:
    """Its headers as text; botocore has some of them as bytes."""
    pairs = request.headers.items()
    return {name: v.decode() if isinstance(v, bytes) else str(v) for name, v in pairs}


@pytest.mark.usefixtures("_stopped_clock")
@pytest.mark.parametrize(("service", "method", "parameters"), CALLS)
def test_the_request_is_the_defaults(service: str, method: str, parameters: dict[str, Any]) -> None:
    default_client = Session().create_client(
        service, config=Config(retries={"mode": "standard", "total_max_attempts": 3})
    )
    default = sent(default_client, method, parameters)
    tuned = sent(aws.client(service), method, parameters)
    assert (tuned.url, tuned.body, tuned.method) == (default.url, default.body, default.method)
    theirs, ours = headers(default), headers(tuned)
    assert ours.keys() == theirs.keys()
    assert {name: value for name, value in ours.items() if name not in OURS} == {
        name: value for name, value in theirs.items() if name not in OURS
    }
    assert ours["User-Agent"].startswith("cv-processor/")
    assert f"/{REGION}/{service}/aws4_request, " in ours["Authorization"]


def test_each_call_has_an_invocation_id_of_its_own() -> None:
    service, method, parameters = CALLS[0]
    client = aws.client(service)
    ids = [
        UUID(headers(sent(client, method, parameters))["amz-sdk-invocation-id"]) for _ in range(3)
    ]
    assert len(set(ids)) == len(ids)


def test_a_second_attempt_is_the_same_call_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    requests: list[AWSPreparedRequest] = []

    def fail_once(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        requests.append(request)
        return answer(request, 503 if len(requests) == 1 else 200)

    service, method, parameters = CALLS[0]
    client = aws.client(service)
    client.meta.events.register_first("before-send", fail_once)
    try:
        getattr(client, method)(**parameters)
    finally:
        client.meta.events.unregister("before-send", fail_once)
    first, second = map(headers, requests)
    assert first["amz-sdk-invocation-id"] == second["amz-sdk-invocation-id"]
    assert first["amz-sdk-request"] == "attempt=1; max=3"
    assert second["amz-sdk-request"] == "attempt=2; max=3"
    assert second["Authorization"]


TARGET = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem"}
URL = "https://dynamodb.eu-west-2.amazonaws.com/"
BODY = '{"a": "ä"}'.encode()


def call(url: str) -> dict[str, Any]:
    """What botocore's serialiser hands over."""
    context = {"retries": {"invocation-id": "i", "attempt": 1}}
    return {"url": url, "headers": TARGET, "body": BODY, "context": context}


@pytest.mark.usefixtures("_stopped_clock")
@pytest.mark.parametrize("token", [None, "a token of temporary credentials"])
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://sqs.eu-west-2.amazonaws.com",
        "http://127.0.0.1:4566/",
        "http://[::1]:4566/",
        "https://example.com:443/some/path",
    ],
)
def test_our_signature_is_botocores(url: str, token: str | None) -> None:
    credentials = Credentials("AKID", "secret", token)
    ours = SignedRequests(credentials, "dynamodb", REGION)(call(url))
    theirs = AWSRequest(method="POST", url=url, headers=TARGET, data=BODY)
    SigV4Auth(credentials, "dynamodb", REGION).add_auth(theirs)
    unsigned = {"amz-sdk-invocation-id", "amz-sdk-request", "Content-Length"}
    made = {name: value for name, value in headers(ours).items() if name not in unsigned}
    assert made == dict(theirs.headers.items())


def test_without_credentials_nothing_is_sent() -> None:
    with pytest.raises(NoCredentialsError):
        SignedRequests(None, "dynamodb", REGION)(call(URL))


def test_a_service_of_another_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="s3 does not speak JSON"):
        request_lean(Session().create_client("s3"), None)


@pytest.mark.parametrize("place", ["hmac.digest", "uuid.uuid4", "os.urandom"])
def test_a_call_keeps_the_interpreters_lock(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """These let go of it, whereupon another thread of the batch takes it (docs/decisions/0014)."""
    service, method, parameters = CALLS[0]
    client = aws.client(service)

    def letting_go(*_: Any, **__: Any) -> None:
        raise AssertionError(place)

    monkeypatch.setattr(place, letting_go)
    sent(client, method, parameters)
