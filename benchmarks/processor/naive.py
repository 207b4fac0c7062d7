"""The usual design, as samples have it: what the Processor is compared with.

`boto3.resource`, the Powertools idempotency decorator, an interim table for what waits for its
other half, event by event: nine calls a pair. It is here to be measured, not to be copied.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from cv_contracts.chatbot import read_chatbot_event

REGION = "eu-west-2"
logger = Logger(service="naive", level="ERROR")
dynamodb = boto3.resource("dynamodb", region_name=REGION)
events = boto3.client("events", region_name=REGION)
interim = dynamodb.Table("naive-interim")
final = dynamodb.Table("naive-correlations")
layer = DynamoDBPersistenceLayer(table_name="naive-idempotency", boto3_client=dynamodb.meta.client)
config = IdempotencyConfig(event_key_jmespath="[requestId, eventType]")

# What the interim table holds; the stub has no memory, so this says what a read would find.
waiting: dict[str, dict[str, Any]] = {}


@idempotent_function(  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
    data_keyword_argument="event", persistence_store=layer, config=config
)
def process(*, event: dict[str, Any]) -> dict[str, str]:
    """One event: 2 idempotency writes, 1 read, and a write or (write, publish)."""
    read_chatbot_event(event)
    request_id = event["requestId"]
    interim.get_item(Key={"requestId": request_id})
    other = waiting.pop(request_id, None)
    if other is None:
        waiting[request_id] = event
        interim.put_item(Item={"requestId": request_id, "event": json.dumps(event)})
    else:
        pair = {"requestId": request_id, "halves": json.dumps([other, event])}
        final.put_item(Item=pair)
        events.put_events(
            Entries=[{"Source": "naive", "DetailType": "Correlated", "Detail": json.dumps(pair)}]
        )
    return {"requestId": request_id}


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Each record on its own, each with its log lines."""
    for record in event["Records"]:
        body = json.loads(record["body"])
        logger.info("processing event", extra={"request_id": body["requestId"]})
        process(event=body)
        logger.info("processed event", extra={"request_id": body["requestId"]})
