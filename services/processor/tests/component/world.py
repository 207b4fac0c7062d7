"""The Processor on an in-process AWS (moto): every handler with its real adapters.

Nothing here decides anything: it creates the resources, hands records to the handlers as Lambda's
event source mappings do, and shows what is in the table, the queues and on the bus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from botocore.session import Session
from cv_contracts.events import PROCESSOR_SOURCE
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from cv_processor.adapters.items import LAYOUT_KEY, from_item
from cv_processor.domain.correlation import Correlation
from cv_processor.entrypoints import expire, ingest, relay

REGION = "eu-west-2"
ACCOUNT = "123456789012"
TABLE = "processor"
BUS = "processor"
GRACE_SECONDS = 900
QUEUES = {"INGEST": "ingest.fifo", "INGEST_DLQ": "ingest-dlq.fifo", "DEADLINE": "deadline"}
QUEUES |= {"ERASURE": "erasure", "PROBE": "probe"}

_SESSION = Session()

SETTINGS = {
    "TABLE_NAME": TABLE,
    "BUS_NAME": BUS,
    "GRACE_SECONDS": str(GRACE_SECONDS),
    "RETENTION_DAYS": "400",
    "SHARDS": "1",
    "SETTLE_SECONDS": "0",
    "WEBHOOK_KEYS_PARAMETER": "/cv-analytics/test/processor/webhook-keys",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}


@cache
def aws(service: str) -> Any:
    """A client with default settings, apart from those under test."""
    return _SESSION.create_client(
        service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


def queue_url(name: str) -> str:
    """The address of one of our queues."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QUEUES[name]}"


def environment() -> dict[str, str]:
    """What the functions find in their environment."""
    return (
        SETTINGS
        | {f"{name}_QUEUE_URL": queue_url(name) for name in QUEUES}
        | {"INGEST_DLQ_URL": queue_url("INGEST_DLQ")}
    )


def create_resources() -> None:
    """What the stack creates: the table with its indexes and stream, the queues, the bus."""
    create_table(aws("dynamodb"))
    sqs = aws("sqs")
    for name in QUEUES.values():
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        sqs.create_queue(QueueName=name, Attributes=fifo)
    events = aws("events")
    events.create_event_bus(Name=BUS)
    pattern = json.dumps({"source": [PROCESSOR_SOURCE]})
    events.put_rule(Name="probe", EventBusName=BUS, EventPattern=pattern)
    target = {"Id": "probe", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:probe"}
    events.put_targets(Rule="probe", EventBusName=BUS, Targets=[target])
    put_webhook_keys(json.dumps({"current": "k" * 64}))


def put_webhook_keys(keys: str) -> None:
    """As the owner does."""
    name = environment()["WEBHOOK_KEYS_PARAMETER"]
    aws("ssm").put_parameter(Name=name, Value=keys, Type="SecureString", Overwrite=True)


def create_table(dynamodb: Any) -> None:
    """The table of design §4."""
    keys = {"pk": "S", "sk": "S", "closedDay": "S", "closedOrder": "N"}
    keys |= {"sessionId": "S", "askedOrder": "N"}
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()
        ],
        KeySchema=_key("pk", "sk"),
        GlobalSecondaryIndexes=[
            _index("day", "closedDay", "closedOrder"),
            _index("session", "sessionId", "askedOrder"),
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def _key(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _index(name: str, partition: str, sort: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _key(partition, sort),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def sqs_event(bodies: Iterable[str], ids: Iterable[int]) -> dict[str, Any]:
    """What Lambda hands over for messages of a queue."""
    return {
        "Records": [
            {"messageId": f"m-{number}", "body": body, "eventSource": "aws:sqs"}
            for number, body in zip(ids, bodies, strict=False)
        ]
    }


def _is_of_layout(record: Mapping[str, Any]) -> bool:
    return bool(record["dynamodb"]["Keys"]["pk"]["S"] == LAYOUT_KEY)


@dataclass
class World:
    """One Processor and its AWS."""

    ids: Iterable[int] = field(default_factory=lambda: count(1))
    streamed: int = 0
    delivered_deadlines: set[str] = field(default_factory=set)

    def ingest(self, *events: Mapping[str, Any] | str) -> dict[str, Any]:
        """Hand one batch to `ingest`; the answer names what failed."""
        bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return ingest.handler(sqs_event(bodies, self.ids), None)

    def expire(self, *, redeliver: bool = False) -> dict[str, Any]:
        """The grace period of all open questions ends."""
        bodies = {message.id: message.body for message in self.messages("DEADLINE")}
        due = [
            body for key, body in bodies.items() if redeliver or key not in self.delivered_deadlines
        ]
        self.delivered_deadlines |= set(bodies)
        return expire.handler(sqs_event(due, self.ids), None) if due else {}

    def relay(self) -> dict[str, Any]:
        """Hand the new stream records to `relay`."""
        records = self.changes(self.streamed)
        self.streamed += len(records)
        return relay.handler({"Records": records}, None) if records else {}

    def changes(self, start: int = 0, end: int | None = None) -> list[dict[str, Any]]:
        """The stream records so far, or some of them.

        moto numbers records by counting them, so writers side by side may get the same number;
        DynamoDB's are unique, and so are these. Those of the layout are left out, as the mapping of
        the relay does (`infra/processor/stack.py`).
        """
        shard: Any = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].stream_shard
        everything = (record.to_json() for record in shard.items)
        records = [record for record in everything if not _is_of_layout(record)][start:end]
        for number, record in enumerate(records, start + 1):
            record["dynamodb"]["SequenceNumber"] = f"{number:021d}"
        return records

    def clear(self) -> None:
        """Empty the table, its stream and the queues; the resources stay."""
        table: Any = dynamodb_backends[ACCOUNT][REGION].tables[TABLE]
        table.items.clear()
        table.stream_shard.items.clear()
        self.streamed = 0
        for name in QUEUES.values():
            queue: Any = sqs_backends[ACCOUNT][REGION].queues[name]
            queue._messages.clear()

    def messages(self, name: str) -> Sequence[Any]:
        """What is in a queue, without receiving it (delayed ones too)."""
        queue: Any = sqs_backends[ACCOUNT][REGION].queues[QUEUES[name]]
        return list(queue._messages)

    def published(self) -> list[dict[str, Any]]:
        """The details of the events on the bus, in order."""
        return [json.loads(message.body)["detail"] for message in self.messages("PROBE")]

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        pages = aws("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        return [item for page in pages for item in page["Items"]]

    def correlations(self) -> dict[str, Correlation]:
        """Every correlation of the table, by its question."""
        found = [from_item(item) for item in self.items() if item["sk"]["S"] == "CORRELATION"]
        return {correlation.request_id: correlation for correlation in found}

    def conflicts(self) -> set[str]:
        """The content hashes of the parked halves."""
        keys = [item["sk"]["S"] for item in self.items()]
        return {key.removeprefix("CONFLICT#") for key in keys if key.startswith("CONFLICT#")}
