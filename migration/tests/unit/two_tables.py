"""Two tables and the queues of the Processor in moto, and its handlers as phase 2 runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from cv_processor.application.errors import UnavailableError

from cv_pragmatic import dual
from migration.kit import checks, rows
from migration.kit.traffic import Entry, expected

SHARED, OWN = "shared", "own"
AT = 1_763_000_000_000
Handler = Callable[[dict[str, Any], object], Any]


def question(number: int = 1) -> dict[str, Any]:
    return {
        "eventType": "query",
        "requestId": f"rehearsal-{number:06}",
        "timestamp": AT,
        "sessionId": "s",
        "query": "Python?",
    }


def answer(number: int = 1) -> dict[str, Any]:
    return {
        "eventType": "response",
        "requestId": f"rehearsal-{number:06}",
        "timestamp": AT + 1_700,
        "matchType": "full",
        "matchScore": 90,
    }


@dataclass
class TwoTables:
    """What was sent, and who handles it."""

    dynamodb: Any
    sqs: Any
    deadlines: str
    sent: list[dict[str, Any]]
    handler: Handler = dual.ingest

    @classmethod
    def make(cls, set_variable: Callable[[str, str], None]) -> TwoTables:
        """The shared table and the queues; the own table comes with `expand`."""
        sqs = boto3.client("sqs", region_name="us-east-1")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("deadline", "dlq")]
        settings = {
            "AWS_DEFAULT_REGION": "us-east-1",
            "TABLE_NAME": SHARED,
            "TABLES": f"{SHARED},{OWN}",
            "BUS_NAME": "none",
            "INGEST_QUEUE_URL": "none",
            "INGEST_DLQ_URL": urls[1],
            "DEADLINE_QUEUE_URL": urls[0],
            "ERASURE_QUEUE_URL": "none",
            "WEBHOOK_KEYS_PARAMETER": "none",
            "GRACE_SECONDS": "0",
            "RETENTION_DAYS": "400",
            "SHARDS": "1",
            "SETTLE_SECONDS": "0",
        }
        for name, value in settings.items():
            set_variable(name, value)
        for cached in (dual.services, dual.ingests):
            cached.cache_clear()
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        create_table(dynamodb, SHARED)
        return cls(dynamodb, sqs, urls[0], [])

    def expand(self) -> None:
        """Make the own table. As long as it is not there, every write to it fails."""
        create_table(self.dynamodb, OWN)

    def send(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver events once; returns those that come back."""
        self.sent += [event for event in events if event not in self.sent]
        records = [
            {"messageId": str(number), "body": json.dumps(event)}
            for number, event in enumerate(events)
        ]
        failed = _failed(self.handler, records)
        return [events[int(number)] for number in failed]

    def deadlines_pass(self) -> int:
        """Deliver every deadline that waits, once; returns how many come back."""
        failed = 0
        while messages := self._waiting():
            records = [{"messageId": one["MessageId"], "body": one["Body"]} for one in messages]
            failed += len(_failed(dual.close, records))
        return failed

    def _waiting(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.deadlines, MaxNumberOfMessages=10)
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        for one in messages:
            self.sqs.delete_message(QueueUrl=self.deadlines, ReceiptHandle=one["ReceiptHandle"])
        return messages

    def account(self, table: str) -> checks.Account:
        """What became of all that was sent, in one of the tables."""
        wanted = expected(Entry(0, event) for event in self.sent)
        return checks.account(wanted, rows.correlations(self.dynamodb, table), set(wanted))


def _failed(handler: Handler, records: list[dict[str, Any]]) -> list[str]:
    """The messages that come back: those that the handler names, or all when it fails."""
    try:
        answer = handler({"Records": records}, None)
    except UnavailableError:
        return [record["messageId"] for record in records]
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def create_table(dynamodb: Any, name: str) -> None:
    """A table with the day index."""
    keys = [("pk", "S"), ("sk", "S"), ("closedDay", "S"), ("closedOrder", "N")]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in keys],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "day",
                "KeySchema": _schema("closedDay", "closedOrder"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


def _schema(partition: str, order: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": order, "KeyType": "RANGE"},
    ]
