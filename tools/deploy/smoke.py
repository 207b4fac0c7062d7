"""One flagged question through the deployed system, in at one end and out at the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from cv_contracts.chatbot import QueryEvent, QueryMetadata, ResponseEvent
from cv_contracts.parameters import parameter_name

from tools.build.versions import version_of
from tools.deploy.account import Account
from tools.deploy.stacks import LINKS, is_deployed

PATIENCE_SECONDS: Final = 90.0
PAUSE_SECONDS: Final = 1.0
ONE_DAY: Final = timedelta(days=1)
REQUEST_TIMEOUT_SECONDS: Final = 15.0


class SmokeError(RuntimeError):
    """The system did not do what it must; the message names the step."""


def run(account: Account) -> Iterator[str]:
    """Send a question, wait for its correlation and its arrival; yields each step when it is done.

    What is not deployed yet is not asked, and said. Raises `SmokeError`. The question is flagged
    `synthetic`: reports count it as excluded.
    """
    urls = dict(_deployed(account))
    if not urls:
        raise SmokeError(
            f"no service is deployed in stage {account.stage}: `make deploy-processor`"
        )
    for service, url in urls.items():
        health = _ask(account, f"{url}/health")
        yield (
            f"{service} {health['version']} ({health['commit']}, contracts {health['contracts']})"
            " is healthy"
        )
    if "processor" not in urls:
        yield "the Processor is not deployed: no question was sent"
        return
    yield from _through(account, urls)


def announced(account: Account) -> Iterator[str]:
    """The version of the contracts that the stage announces is ours. Raises `SmokeError`."""
    name = parameter_name(account.stage, "contracts", "version")
    found = account.client("ssm").get_parameters(Names=[name])["Parameters"]
    version = found[0]["Value"] if found else "none"
    if version != version_of("contracts"):
        raise SmokeError(f"{name} is {version}, not {version_of('contracts')}: deploy contracts")
    yield f"contracts {version} are announced"


def _through(account: Account, urls: Mapping[str, str]) -> Iterator[str]:
    request_id = f"smoke-{uuid4()}"
    asked_at = int(time.time() * 1000)
    _send(account, f"{urls['processor']}/v1/events", _question(request_id, asked_at))
    yield f"{request_id} is accepted"
    address = f"{urls['processor']}/v1/correlations/{request_id}"
    correlation = _wait(
        "the correlation of the question", lambda: _ask(account, address, missing_is_none=True)
    )
    if correlation["outcome"] != "full" or not correlation["synthetic"]:
        raise SmokeError(f"{request_id} was correlated wrongly: {correlation['outcome']}")
    yield f"{request_id} is correlated as {correlation['outcome']}"
    if "reporter" not in urls:
        yield "the Reporter is not deployed: nothing more to wait for"
    elif not is_deployed(account, LINKS):
        yield f"{LINKS} is not deployed: `make deploy-reporter` lets questions through to it"
    else:
        yield from _at_the_other_end(account, urls["reporter"], request_id, asked_at)


def _at_the_other_end(
    account: Account, reporter: str, request_id: str, asked_at: int
) -> Iterator[str]:
    """Whatever the owner's time zone, its day is the UTC day or a neighbour of it."""
    asked = datetime.fromtimestamp(asked_at / 1000, UTC).date()
    days = {"from": f"{asked - ONE_DAY}", "to": f"{asked + ONE_DAY}"}
    query = urlencode({**days, "sessionId": request_id, "audience": "test"})
    url = f"{reporter}/v1/questions?{query}"

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
    """Each service that is deployed, and the URL of its API."""
    for service in ("processor", "reporter"):
        name = parameter_name(account.stage, service, "api-url")
        for found in account.client("ssm").get_parameters(Names=[name])["Parameters"]:
            yield service, found["Value"]


def _send(account: Account, url: str, body: list[dict[str, Any]]) -> Any:
    return _call(account, url, body)


def _ask(account: Account, url: str, *, missing_is_none: bool = False) -> Any:
    return _call(account, url, None, missing_is_none=missing_is_none)


def _call(account: Account, url: str, body: object, *, missing_is_none: bool = False) -> Any:
    method = "GET" if body is None else "POST"
    try:
        with account.http(timeout=REQUEST_TIMEOUT_SECONDS) as client:
            answer = client.request(method, url, json=body)
    except httpx.TransportError as error:
        raise SmokeError(f"{method} {url} did not answer: {error}") from error
    if answer.status_code == httpx.codes.NOT_FOUND and missing_is_none:
        return None
    if not answer.is_success:
        raise SmokeError(f"{method} {url} answered {answer.status_code}")
    return answer.json()
