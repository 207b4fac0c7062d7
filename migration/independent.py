"""Half a question twice a second, until SIGTERM: `python independent.py QUEUE_URL JOURNAL`."""

import json
import signal
import sys
import time
from pathlib import Path

import boto3

HALVES = (
    {"eventType": "query", "query": "Do you know Kubernetes?"},
    {"eventType": "response", "matchType": "full", "matchScore": 90},
)
queue_url, journal = sys.argv[1:]
stopped: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
sqs, number, name = boto3.client("sqs"), 0, ""
while number % 2 or not stopped:
    now = int(time.time() * 1_000)
    name = name if number % 2 else f"independent-{now}"
    at = now - (52 - number // 120 % 30) * 86_400_000  # on the days before the sample weeks
    common = {"requestId": name, "timestamp": at, "sessionId": "independent"}
    body, ids = json.dumps(HALVES[number % 2] | common), {"MessageGroupId": name}
    with Path(journal).open("a", encoding="utf-8") as out:
        out.write(body + "\n")
    ids["MessageDeduplicationId"] = f"{name}-{number % 2}"
    sqs.send_message(QueueUrl=queue_url, MessageBody=body, **ids)
    number += 1
    time.sleep(0.5)
