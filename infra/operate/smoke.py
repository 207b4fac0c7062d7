"""One flagged question through the deployed system, in at one end and out at the other."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from cv_contracts.chatbot import QueryEvent, QueryMetadata, ResponseEvent
from cv_contracts.parameters import parameter_name

from operate.account import Account

PATIENCE_SECONDS: Final = 90.0
PAUSE_SECONDS: Final = 1.0
ONE_DAY: Final = timedelta(days=1)
REQUEST_TIMEOUT_SECONDS: Final = 15.0


class SmokeError(RuntimeError):
    """The system did not do what it must; the message names the step."""


def run(account: Account) -> Iterator[str]:
    """Send a question, wait for its correlation; yields each step when it is done.

    Raises `SmokeError`. The question is flagged `synthetic`: reports count it as excluded.
    """
    processor = _url(account, "processor")
    for service, url in _deployed(account):
        health = _ask(account, f"{url}/health")
        yield f"{service} {health['version']} ({health['commit']}) is healthy"
    request_id = f"smoke-{uuid4()}"
    asked_at = int(time.time() * 1000)
    _send(account, f"{processor}/v1/events", _question(request_id, asked_at))
    yield f"{request_id} is accepted"
    correlation = _wait(
        "the correlation of the question",
        lambda: _ask(account, f"{processor}/v1/correlations/{request_id}", missing_is_none=True),
    )
    if correlation["outcome"] != "full" or not correlation["synthetic"]:
        raise SmokeError(f"{request_id} was correlated wrongly: {correlation['outcome']}")
    yield f"{request_id} is correlated as {correlation['outcome']}"
    if _has(account, "reporter"):
        yield from _at_the_other_end(account, request_id, asked_at)


def _at_the_other_end(account: Account, request_id: str, asked_at: int) -> Iterator[str]:
    """Whatever the owner's time zone, its day is the UTC day or a neighbour of it."""
    asked = datetime.fromtimestamp(asked_at / 1000, UTC).date()
    days = {"from": f"{asked - ONE_DAY}", "to": f"{asked + ONE_DAY}"}
    query = urlencode({**days, "sessionId": request_id, "audience": "test"})
    url = f"{_url(account, 'reporter')}/v1/questions?{query}"

    def arrived() -> bool | None:
        return True if _ask(account, url)["items"] else None

    _wait("the question in the Reporter", arrived)
    yield f"{request_id} has arrived in the Reporter, as a test"


def _question(request_id: str, now: int) -> list[dict[str, Any]]:
    query = QueryEvent(
        request_id=request_id,
        timestamp=now,
        session_id=request_id,
        query="Do you know Python?",
        metadata=QueryMetadata(synthetic=True),
    )
    response = ResponseEvent(
        request_id=request_id,
        timestamp=now + 1,
        match_type="full",
        match_score=100,
        reasoning="A smoke test asked.",
        session_id=request_id,
    )
    return [json.loads(event.to_json()) for event in (query, response)]


def _wait(what: str, look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(PAUSE_SECONDS)
    raise SmokeError(f"waited {PATIENCE_SECONDS:.0f} s for {what}, in vain")


def _deployed(account: Account) -> Iterator[tuple[str, str]]:
    for service in ("processor", "reporter"):
        if _has(account, service):
            yield service, _url(account, service)


def _has(account: Account, service: str) -> bool:
    name = parameter_name(account.stage, service, "api-url")
    return bool(account.client("ssm").get_parameters(Names=[name])["Parameters"])


def _url(account: Account, service: str) -> str:
    name = parameter_name(account.stage, service, "api-url")
    found = account.client("ssm").get_parameters(Names=[name])["Parameters"]
    if not found:
        raise SmokeError(f"{service} is not deployed in stage {account.stage}")
    return str(found[0]["Value"])


def _send(account: Account, url: str, body: list[dict[str, Any]]) -> Any:
    return _call(account, url, json.dumps(body).encode())


def _ask(account: Account, url: str, *, missing_is_none: bool = False) -> Any:
    return _call(account, url, None, missing_is_none=missing_is_none)


def _call(account: Account, url: str, body: bytes | None, *, missing_is_none: bool = False) -> Any:
    method = "GET" if body is None else "POST"
    signed = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body)
    credentials = account.session.get_credentials()
    region = account.session.region_name
    SigV4Auth(credentials, "execute-api", region).add_auth(signed)
    request = urllib.request.Request(url, body, dict(signed.headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404 and missing_is_none:
            return None
        raise SmokeError(f"{method} {url} answered {error.code}") from error
    except urllib.error.URLError as error:
        raise SmokeError(f"{method} {url} did not answer: {error.reason}") from error
