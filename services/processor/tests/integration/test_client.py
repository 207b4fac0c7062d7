"""Our tuned clients send what a client with default settings would send, to the same place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from cv_processor.adapters import aws
from cv_processor.adapters.signing import Signer
from tests.integration.world import REGION, queue_url

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"pk": {"S": "1"}}}),
    ("sqs", "send_message_batch", {"QueueUrl": queue_url("INGEST"), "Entries": []}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
]


def sent(client: Any, method: str, parameters: dict[str, Any]) -> AWSPreparedRequest:
    """The request that would go out."""
    requests: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        requests.append(request)
        raw: Any = type("Raw", (), {"stream": lambda *_, **__: iter((b"{}",))})()
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    client.meta.events.register_first("before-send", catch)
    try:
        getattr(client, method)(**parameters)
    finally:
        client.meta.events.unregister("before-send", catch)
    return requests[0]


@pytest.mark.parametrize(("service", "method", "parameters"), CALLS)
def test_the_request_is_the_defaults_but_for_its_user_agent(
    monkeypatch: pytest.MonkeyPatch, service: str, method: str, parameters: dict[str, Any]
) -> None:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", REGION)
    default = sent(Session().create_client(service, region_name=REGION), method, parameters)
    tuned = sent(aws.client(service), method, parameters)
    assert (tuned.url, tuned.body, tuned.method) == (default.url, default.body, default.method)
    assert str(tuned.headers["User-Agent"]).startswith(("cv-processor/", "b'cv-processor/"))


TARGET = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem"}


def unsigned(url: str = "https://dynamodb.eu-west-2.amazonaws.com/") -> AWSRequest:
    return AWSRequest(method="POST", url=url, headers=TARGET, data='{"a": "ä"}'.encode())


@pytest.mark.parametrize("token", [None, "a token of temporary credentials"])
@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.eu-west-2.amazonaws.com/",
        "https://sqs.eu-west-2.amazonaws.com",
        "http://127.0.0.1:4566/",
        "http://[::1]:4566/",
        "https://example.com:443/some/path",
    ],
)
def test_our_signature_is_botocores(url: str, token: str | None) -> None:
    credentials = Credentials("AKID", "secret", token)
    ours, theirs = unsigned(url), unsigned(url)
    Signer(credentials, "dynamodb", REGION)(ours)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "botocore.auth.get_current_datetime",
            lambda: datetime.strptime(ours.headers["X-Amz-Date"], "%Y%m%dT%H%M%S%z"),
        )
        SigV4Auth(credentials, "dynamodb", REGION).add_auth(theirs)
    assert dict(ours.headers.items()) == dict(theirs.headers.items())


@pytest.mark.parametrize(("service", "method", "parameters"), CALLS)
def test_every_call_goes_out_signed_for_its_service_once(
    monkeypatch: pytest.MonkeyPatch, service: str, method: str, parameters: dict[str, Any]
) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    request = sent(aws.client(service), method, parameters)
    (signed,) = [value for name, value in request.headers.items() if name == "Authorization"]
    text = signed.decode() if isinstance(signed, bytes) else str(signed)
    assert f"/{REGION}/{service}/aws4_request, " in text


def test_without_credentials_nothing_is_sent() -> None:
    with pytest.raises(NoCredentialsError):
        Signer(None, "dynamodb", REGION)(unsigned())
