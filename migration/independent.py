"""A sender that knows a queue's address and a file: half a question twice a second, until SIGTERM.

`python independent.py QUEUE_URL FILE`; the file has a line for each half before it is sent.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import boto3

queue_url, path = sys.argv[1:]
stopped: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
halves, name = 0, ""
while not (stopped and halves % 2 == 0):
    now = int(time.time() * 1_000)
    at = now - (75 - halves // 120 % 40) * 86_400_000  # some on each of the days before the samples
    asked = halves % 2 == 0
    name = f"independent-{now}" if asked else name
    event: dict[str, object] = {"requestId": name, "timestamp": at, "sessionId": "independent"}
    question: dict[str, object] = {"eventType": "query", "query": "Do you know Kubernetes?"}
    answer: dict[str, object] = {"eventType": "response", "matchType": "full", "matchScore": 90}
    body = json.dumps(event | (question if asked else answer))
    with Path(path).open("a", encoding="utf-8") as out:
        out.write(body + "\n")
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=body,
        MessageGroupId=name,
        MessageDeduplicationId=f"{name}-{asked}",
    )
    halves += 1
    time.sleep(0.5)
