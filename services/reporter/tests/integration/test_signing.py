"""The requests that our clients make in the place of botocore's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from cv_reporter.adapters import aws
from cv_reporter.adapters.signing import SignedRequests, request_lean
from tests.integration.test_client import headers

REGION = "eu-west-2"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a key")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)


@pytest.fixture
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("botocore.auth", "cv_reporter.adapters.signing"):
        monkeypatch.setattr(f"{place}.get_current_datetime", lambda: NOW)


def put(client: Any, *statuses: int) -> list[dict[str, str]]:
    """Write an item; the headers of each attempt, which are answered with these statuses."""
    made: list[dict[str, str]] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        made.append(headers(request))
        raw: Any = type("Raw", (), {"stream": lambda *_, **__: iter((b"{}",))})()
        return AWSResponse(request.url, statuses[len(made) - 1], HTTPHeaders(), raw)

    client.meta.events.register_first("before-send", answer)
    try:
        client.put_item(TableName="t", Item={"pk": {"S": "1"}})
    finally:
        client.meta.events.unregister("before-send", answer)
    return made


def test_each_call_has_an_invocation_id_of_its_own() -> None:
    client = aws.client.__wrapped__("dynamodb")
    ids = [UUID(put(client, 200)[0]["amz-sdk-invocation-id"]) for _ in range(3)]
    assert len(set(ids)) == len(ids)


def test_a_second_attempt_is_the_same_call_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    first, second = put(aws.client.__wrapped__("dynamodb"), 503, 200)
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
    with pytest.raises(ValueError, match="sesv2 does not speak JSON"):
        request_lean(Session().create_client("sesv2"), None)


@pytest.mark.parametrize("place", ["hmac.digest", "uuid.uuid4", "os.urandom"])
def test_a_call_keeps_the_interpreters_lock(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """These let go of it, whereupon another thread of the batch takes it (docs/decisions/0014)."""
    client = aws.client.__wrapped__("dynamodb")

    def letting_go(*_: Any, **__: Any) -> None:
        raise AssertionError(place)

    monkeypatch.setattr(place, letting_go)
    put(client, 200)
