"""Our tuned clients send what a client with default settings would send, to the same place."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.session import Session

from cv_processor.adapters import aws
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
