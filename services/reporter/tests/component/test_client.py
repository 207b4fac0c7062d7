"""Our tuned clients send what a client with default settings would send, to the same place."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.session import Session

from cv_reporter.adapters import aws

REGION = "eu-west-2"
QUEUE = "https://sqs.eu-west-2.amazonaws.com/123456789012/facts-dlq"

MAIL = {
    "FromEmailAddress": "reports@cv.example",
    "Destination": {"ToAddresses": ["owner@cv.example"]},
    "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"pk": {"S": "1"}}}),
    ("sqs", "get_queue_attributes", {"QueueUrl": QUEUE, "AttributeNames": ["All"]}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}),
    ("ssm", "get_parameter", {"Name": "/cv-analytics/local/processor/api-url"}),
    ("sesv2", "send_email", MAIL),
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


OURS = {"User-Agent", "amz-sdk-invocation-id", "Authorization", "X-Amz-Date"}
"""Headers that differ from botocore's."""


def made(service: str) -> Any:
    """A client as the Reporter has it."""
    config = aws.ONCE if service == "sesv2" else aws.CONFIG
    return boto3.Session().client(service, config=config)


@pytest.mark.parametrize(("service", "method", "parameters"), CALLS)
def test_the_request_is_the_defaults(
    monkeypatch: pytest.MonkeyPatch, service: str, method: str, parameters: dict[str, Any]
) -> None:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "s"), ("REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    attempts = 1 if service == "sesv2" else 3
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    default = sent(Session().create_client(service, config=config), method, parameters)
    tuned = sent(made(service), method, parameters)
    assert (tuned.url, tuned.body, tuned.method) == (default.url, default.body, default.method)
    theirs, ours = headers(default), headers(tuned)
    assert ours.keys() == theirs.keys()
    assert {name: ours[name] for name in ours.keys() - OURS} == {
        name: theirs[name] for name in theirs.keys() - OURS
    }
    assert ours["User-Agent"].startswith("cv-reporter/")
    assert (
        ours["Authorization"]
        .partition(", ")[0]
        .endswith(theirs["Authorization"].partition(", ")[0].partition("/")[2])
    )


def headers(request: AWSPreparedRequest) -> dict[str, str]:
    """Its headers as text; botocore has some of them as bytes."""
    pairs = request.headers.items()
    return {name: v.decode() if isinstance(v, bytes) else str(v) for name, v in pairs}
