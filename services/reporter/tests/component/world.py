"""The Reporter in a box: moto's AWS, the real handlers, and a stream that is pumped by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from cv_contracts.events import CorrelationCompleted
from moto.dynamodb.models import dynamodb_backends
from moto.ses.models import ses_backends

from cv_reporter import bootstrap
from cv_reporter.adapters.aws import client, client_without_retries, session

REGION = "eu-west-2"
ACCOUNT = "123456789012"
TABLE = "cv-analytics-test-reporter"
BUS = "cv-analytics-test-reporter"
SENDER = "reports@cv.example"
OWNER = "owner@cv.example"
KEY = "k" * 64
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "TABLE_NAME": TABLE,
    "BUS_NAME": BUS,
    "TIME_ZONE": "Europe/London",
    "SENDER": SENDER,
    "RECIPIENTS": OWNER,
    "STAGE": "test",
    "API_URL_PARAMETER": "/cv-analytics/test/reporter/api-url",
    "PROCESSOR_API_PARAMETER": "/cv-analytics/test/processor/api-url",
    "CONFIGURATION_SET": "cv-analytics-test-reporter",
    "DASHBOARD_KEY_PARAMETER": "/cv-analytics/test/reporter/dashboard-key",
    "FACTS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/facts",
    "FACTS_DLQ_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/facts-dlq",
    "OWNER_SESSIONS": "",
    "RETENTION_DAYS": "400",
    "SHARDS": "1",
}
LIMIT = 100


def forget() -> None:
    """Forget what was wired, so that the next use reads the environment anew."""
    bootstrap.forget()


def settle() -> None:
    """Store the layout, as the first fact does, and let this process know it."""
    given = bootstrap.services()
    given.known_layout.settle(given.layout)
    forget()
    assert bootstrap.services().layout.version


def forget_clients() -> None:
    """Forget clients too: those of another mock."""
    for cached in (client, client_without_retries, session):
        cached.cache_clear()


def put_key(key: str) -> None:
    """Set the key that signs the dashboard's links."""
    name = ENVIRONMENT["DASHBOARD_KEY_PARAMETER"]
    client("ssm").put_parameter(Name=name, Value=key, Type="SecureString", Overwrite=True)


Snapshot = tuple[Any, list[Any]]


def snapshot() -> Snapshot:
    """The table and its stream as they are."""
    table = moto_table()
    return deepcopy(table.items), list(table.stream_shard.items)


def restore(kept: Snapshot) -> int:
    """Set the table to what it was, and its stream, no mail sent; returns the stream's end."""
    table = moto_table()
    table.items.clear()
    table.items.update(deepcopy(kept[0]))
    table.stream_shard.items[:] = kept[1]
    ses_backends[ACCOUNT][REGION].sent_messages.clear()
    return len(kept[1])


EMPTY: Snapshot = ({}, [])


def moto_table() -> Any:
    """The table in moto's memory."""
    return dynamodb_backends[ACCOUNT][REGION].get_table(TABLE)


def create_table() -> None:
    """The table as infra creates it."""
    string, number = ("S", "N")
    client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (
                ("pk", string), ("sk", string), ("lookup", string), ("askedAt", number)
            )
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "lookup",
                "KeySchema": [
                    {"AttributeName": "lookup", "KeyType": "HASH"},
                    {"AttributeName": "askedAt", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )  # fmt: skip


@dataclass
class World:
    """A deployed Reporter."""

    position: int = 0
    sequence: list[str] = field(default_factory=list)

    def deploy(self) -> None:
        """Create what infra creates."""
        create_table()
        client("events").create_event_bus(Name=BUS)
        mail = client_without_retries("sesv2")
        mail.create_email_identity(EmailIdentity=SENDER)
        mail.create_configuration_set(ConfigurationSetName=ENVIRONMENT["CONFIGURATION_SET"])
        for name in ("facts", "facts-dlq"):
            client("sqs").create_queue(QueueName=name)
        client("ssm").put_parameter(
            Name=ENVIRONMENT["API_URL_PARAMETER"], Value="https://api.example/x", Type="String"
        )
        put_key(KEY)

    def deliver(self, events: Iterable[CorrelationCompleted]) -> list[str]:
        """Bring events to `project` in batches of ten; returns the message ids that failed."""
        from cv_reporter.entrypoints.project import handler  # noqa: PLC0415 (it reads the settings)

        messages = [sqs_record(number, event) for number, event in enumerate(events)]
        failed: list[str] = []
        for start in range(0, len(messages), 10):
            answer = handler({"Records": messages[start : start + 10]}, None)
            failed += [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        return failed

    def pump(self) -> None:
        """Bring the table's changes to `summarise` and `relay` until there are no more."""
        from cv_reporter.entrypoints import relay, summarise  # noqa: PLC0415 (as above)

        while records := self.changes():
            facts = [r for r in records if pk(r).startswith(("DAY#", "LOCATOR#"))]
            outbox = [r for r in records if pk(r).startswith("OUTBOX#")]
            if facts:
                assert summarise.handler({"Records": facts}, None) == {"batchItemFailures": []}
            if outbox:
                assert relay.handler({"Records": outbox}, None) == {"batchItemFailures": []}

    def changes(self) -> list[dict[str, Any]]:
        """The stream records since the last call."""
        backend = stream_records()
        fresh = backend[self.position :]
        self.position = len(backend)
        return fresh

    def sent_mail(self) -> list[Any]:
        """What SES has sent."""
        return list(ses_backends[ACCOUNT][REGION].sent_messages)

    def items(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Everything in the table."""
        stored = (item.to_json()["Attributes"] for item in moto_table().all_items())
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in stored}

    def facts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The fact rows."""
        return {at: item for at, item in self.items().items() if at[0].startswith("DAY#")}


def stream_records() -> list[dict[str, Any]]:
    """All records of the table's stream, oldest first."""
    return [normal(record.to_json()) for record in moto_table().stream_shard.items]


def normal(record: dict[str, Any]) -> dict[str, Any]:
    """A record as Lambda shows it, with keys also for moto's removals."""
    change = record["dynamodb"]
    image = change.get("NewImage") or change.get("OldImage")
    keys = {name: image[name] for name in ("pk", "sk")}
    if record["eventName"] == "REMOVE":
        change = {name: value for name, value in change.items() if name != "NewImage"}
    return {**record, "dynamodb": {**change, "Keys": keys}}


def pk(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def sqs_record(number: int, event: Any) -> dict[str, Any]:
    """An event as SQS brings it from the rule."""
    detail = json.loads(event.to_json())
    body = {"source": event.SOURCE, "detail-type": event.DETAIL_TYPE, "detail": detail}
    return {"messageId": f"m{number}", "body": json.dumps(body)}
