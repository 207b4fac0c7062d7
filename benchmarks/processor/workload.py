"""The load that is measured: sample pairs under fresh ids, in the order in which pairs come."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

REGION = "eu-west-2"
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "services/processor/tests/data/cv-chatbot-events.jsonl"

ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "processor",
    "TABLE_NAME": "processor",
    "BUS_NAME": "processor",
    "INGEST_QUEUE_URL": "https://sqs.eu-west-2.amazonaws.com/123456789012/ingest.fifo",
    "INGEST_DLQ_URL": "https://sqs.eu-west-2.amazonaws.com/123456789012/ingest-dlq.fifo",
    "DEADLINE_QUEUE_URL": "https://sqs.eu-west-2.amazonaws.com/123456789012/deadline",
    "ERASURE_QUEUE_URL": "https://sqs.eu-west-2.amazonaws.com/123456789012/erasure",
    "WEBHOOK_KEYS_PARAMETER": "/bench/processor/webhook-keys",
    "GRACE_SECONDS": "900",
    "RETENTION_DAYS": "400",
    "SHARDS": "1",
    "SETTLE_SECONDS": "60",
}


def pairs(number: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """So many (query, response) pairs, made of the sample's answered questions."""
    events = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    queries = {each["requestId"]: each for each in events if each["eventType"] == "query"}
    answered = [each for each in events if each["eventType"] == "response"]
    made = []
    for index, response in zip(range(number), _cycle(answered), strict=False):
        request_id = str(UUID(int=index + 1))
        made.append(
            (
                queries[response["requestId"]] | {"requestId": request_id},
                response | {"requestId": request_id},
            )
        )
    return made


def batch(*, pairs_in_batch: bool = False) -> list[dict[str, str]]:
    """Ten messages: five queries and five responses, of the same questions or of others'."""
    made = pairs(10)
    halves = [query for query, _ in made[:5]]
    halves += [response for _, response in (made[:5] if pairs_in_batch else made[5:])]
    return [
        {"messageId": f"m-{number}", "body": json.dumps(half)} for number, half in enumerate(halves)
    ]


def _cycle(items: list[Any]) -> Any:
    return (items[index % len(items)] for index in count())
