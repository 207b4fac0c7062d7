"""SigV4: what we send is what AWS signs for itself."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth as BotocoreSigner
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cv_contracts.client import ProcessorClient
from cv_contracts.errors import StatusError
from cv_contracts.rest import CorrelationQuery
from cv_contracts.sigv4 import SigV4Auth

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "session-token")
BASE = "https://api.example/prod"


def received(make: Any) -> httpx.Request:
    requests: list[httpx.Request] = []

    def processor(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(404, json={"title": "none", "status": 404})

    transport = httpx.MockTransport(processor)
    api = ProcessorClient(BASE, SigV4Auth(CREDENTIALS, "eu-west-2"), transport=transport)
    with contextlib.suppress(StatusError):
        make(api)
    return requests[0]


def signature_sent(request: httpx.Request) -> str:
    found = re.search(r"Signature=([0-9a-f]{64})", request.headers["authorization"])
    assert found is not None
    return found[1]


def signature_of_the_server(request: httpx.Request) -> str:
    """Signs what arrived, at the time that it says, as the service does to compare."""
    copy = AWSRequest(request.method, str(request.url), headers={"host": request.url.host})
    copy.context["timestamp"] = request.headers["x-amz-date"]
    copy.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    copy.headers["X-Amz-Security-Token"] = request.headers["x-amz-security-token"]
    signer = BotocoreSigner(CREDENTIALS, "execute-api", "eu-west-2")
    text = signer.string_to_sign(copy, signer.canonical_request(copy))
    return str(signer.signature(text, copy))


@pytest.mark.parametrize(
    "make",
    [
        lambda api: api.correlation("a:b@c=d+e"),
        lambda api: api.correlation("f4466b85-f6e1-55c5-92e0-90c4c4df5c3c"),
        lambda api: api.erasure("x y"),
    ],
)
def test_the_service_computes_the_same_signature(make: Any) -> None:
    request = received(make)
    assert signature_sent(request) == signature_of_the_server(request)
    assert "/eu-west-2/execute-api/aws4_request" in request.headers["authorization"]


def test_filters_are_signed_too() -> None:
    query = CorrelationQuery(skill="C# & F#", cursor="a+/=")
    request = received(lambda api: api.correlations_page(query))
    assert signature_sent(request) == signature_of_the_server(request)
