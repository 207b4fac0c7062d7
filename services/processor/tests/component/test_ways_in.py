"""The ways in beside SQS and `POST /v1/events`: the signed webhook, and the bus."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cv_contracts import webhook
from cv_contracts.chatbot import QuestionAsked, read_chatbot_event
from fastapi.testclient import TestClient

from cv_processor.adapters.secrets import WebhookKeys
from cv_processor.adapters.sqs import SqsIngest
from cv_processor.application.errors import ThrottledError, UnavailableError
from cv_processor.application.intake import NotAChatbotEventError, take_in
from cv_processor.entrypoints import intake
from cv_processor.entrypoints.api import create_app
from tests.component.world import SETTINGS, World, aws, put_webhook_keys
from tests.events import query, response

KEY = "k" * 64
BODY = json.dumps(query()).encode()
JSON = {"content-type": "application/json"}


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def post(api: TestClient, headers: dict[str, str], body: bytes = BODY) -> Any:
    return api.post(webhook.PATH, content=body, headers=JSON | headers)


def signed(key: str = KEY, *, ago: int = 0, body: bytes = BODY) -> dict[str, str]:
    return webhook.sign(key, int(time.time()) - ago, body)


def test_a_signed_event_is_queued(api: TestClient, world: World) -> None:
    assert post(api, signed()).status_code == 202
    assert len(world.messages("INGEST")) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (dict, 400),
        (lambda: signed() | {webhook.SIGNATURE_HEADER: "v1=short"}, 400),
        (lambda: signed() | {webhook.TIMESTAMP_HEADER: "yesterday"}, 400),
        (lambda: signed("x" * 64), 401),
        (lambda: signed(body=b"{}"), 401),
        (lambda: signed(ago=310), 401),
        (lambda: signed(ago=-310), 401),
    ],
)
def test_what_is_not_signed_well_is_refused(
    api: TestClient, world: World, headers: Callable[[], dict[str, str]], status: int
) -> None:
    """Signed when the test runs, which may be minutes after it was collected."""
    assert post(api, headers()).status_code == status
    assert world.messages("INGEST") == []


def test_while_keys_rotate_both_are_good(api: TestClient, world: World) -> None:
    rotated = json.dumps({"current": "n" * 64, "previous": KEY})
    put_webhook_keys(rotated)
    assert post(api, signed()).status_code == 202
    assert post(api, signed("n" * 64)).status_code == 202


def test_before_the_owner_put_keys_no_signature_is_good(api: TestClient, world: World) -> None:
    aws("ssm").delete_parameter(Name=SETTINGS["WEBHOOK_KEYS_PARAMETER"])
    assert post(api, signed()).status_code == 401
    assert world.messages("INGEST") == []


@pytest.mark.parametrize("text", ["k" * 64, "[]", '{"current": 1}', "null"])
def test_keys_that_the_owner_put_wrong_are_not_the_senders_fault(
    api: TestClient, world: World, text: str
) -> None:
    put_webhook_keys(text)
    assert post(api, signed()).status_code == 503
    assert world.messages("INGEST") == []


def test_keys_that_cannot_be_read_are_not_the_senders_fault() -> None:
    class Refusing:
        def get_parameter(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "GetParameter")

    with pytest.raises(UnavailableError, match="keys could not be read"):
        WebhookKeys.of(Refusing(), "/keys")()


def test_size_media_type_and_content_have_their_own_answers(api: TestClient) -> None:
    large, broken = b"[" + b" " * 70_000 + b"]", b"{broken"
    too_large = post(api, signed(body=large), large)
    assert too_large.status_code == 413
    assert "larger than 64 KiB: send fewer events" in too_large.json()["detail"]
    assert post(api, signed(body=broken), broken).status_code == 422
    plain = {"content-type": "text/plain"}
    assert post(api, signed() | plain).status_code == 415


@pytest.mark.parametrize("error", [ThrottledError("Throttled"), UnavailableError("Gone")])
def test_a_queue_that_takes_nothing_is_503_with_a_time_to_try_again(
    world: World, error: Exception
) -> None:
    class Refusing:
        def enqueue(self, events: object) -> list[int]:
            raise error

    app = create_app()
    app.state.services = _replaced(app.state.services, ingest_queue=Refusing())
    answer = post(TestClient(app), signed())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


class PartlyRefusing:
    """An SQS that takes all but the second message."""

    def __init__(self, code: str, *, sender_fault: bool) -> None:
        self.failed = {"Id": "1", "Code": code, "SenderFault": sender_fault}

    def send_message_batch(self, **_: Any) -> dict[str, Any]:
        return {"Successful": [], "Failed": [self.failed]}


@pytest.mark.parametrize(
    ("code", "sender_fault"), [("InternalError", False), ("RequestThrottled", True)]
)
def test_what_the_queue_could_take_later_is_not_rejected_but_all_sent_again(
    world: World, code: str, sender_fault: bool
) -> None:
    """A sender does not send again what was rejected; what was taken is known when it comes."""
    queue = SqsIngest(PartlyRefusing(code, sender_fault=sender_fault), "url")
    app = create_app()
    app.state.services = _replaced(app.state.services, ingest_queue=queue)
    answer = TestClient(app).post("/v1/events", json=[query(), response()])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_what_the_queue_can_never_take_is_rejected_alone(world: World) -> None:
    queue = SqsIngest(PartlyRefusing("InvalidMessageContents", sender_fault=True), "url")
    app = create_app()
    app.state.services = _replaced(app.state.services, ingest_queue=queue)
    answer = TestClient(app).post("/v1/events", json=[query(), response()])
    assert answer.status_code == 202
    (rejected,) = answer.json()["rejected"]
    assert rejected == {"index": 1, "reason": "the queue cannot carry it"}


def test_a_bus_event_that_the_queue_can_never_take_is_not_lost(world: World) -> None:
    class Refusing:
        def enqueue(self, events: object) -> list[int]:
            return [0]

    with pytest.raises(NotAChatbotEventError, match="cannot carry"):
        take_in(Refusing(), {"detail": query()})


def _replaced(services: Any, **changes: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    changed = replace(services)
    vars(changed).update(changes)  # where a cached property keeps its value
    return changed


def test_what_a_chatbot_puts_on_the_bus_is_queued(world: World) -> None:
    event = QuestionAsked.read(query())
    entry = event.to_entry("processor")
    delivered = {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
    intake.handler(delivered, None)
    (message,) = world.messages("INGEST")
    assert read_chatbot_event(json.loads(message.body)).request_id == "q-1"
    assert message.group_id == "q-1"


def test_the_same_event_by_two_ways_is_one_message(api: TestClient, world: World) -> None:
    intake.handler({"detail": response()}, None)
    api.post("/v1/events", json=response())
    assert len({message.deduplication_id for message in world.messages("INGEST")}) == 1


def test_a_bus_event_that_is_none_of_ours_raises_without_its_text(world: World) -> None:
    with pytest.raises(NotAChatbotEventError) as raised:
        intake.handler({"detail": {"eventType": "query", "query": "CANARY"}}, None)
    assert "CANARY" not in str(raised.value)


def test_a_signature_is_of_the_bytes_as_sent_compressed_ones_too(
    api: TestClient, world: World
) -> None:
    zipped, flood = gzip.compress(BODY), gzip.compress(b" " * 10_000_000)
    encoding = {"content-encoding": "gzip"}
    assert post(api, signed(body=zipped) | encoding, zipped).status_code == 202
    assert len(world.messages("INGEST")) == 1
    assert post(api, signed(body=BODY) | encoding, zipped).status_code == 401
    assert post(api, signed(body=flood) | encoding, flood).status_code == 413
