"""A chatbot on AWS Lambda that reports its questions to CV Analytics.

Handler: `chatbot_lambda.handler`, behind a function URL; environment: CV_ANALYTICS_URL and
CV_ANALYTICS_WEBHOOK_KEY. Keep the key in Secrets Manager and out of web pages: whoever has it can
report whatever they like.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any
from uuid import uuid4

import httpx

from cv_contracts.producer import Producer, webhook_delivery

FLUSH_SECONDS = 2.0  # the longest that an answer waits for CV Analytics


@cache
def producer() -> Producer:
    """One per execution environment: it and its connection outlive an invocation."""
    url, key = os.environ["CV_ANALYTICS_URL"], os.environ["CV_ANALYTICS_WEBHOOK_KEY"]
    return Producer(webhook_delivery(httpx.Client(timeout=FLUSH_SECONDS), url, key))


def answer(question: str) -> tuple[str, int]:
    """Stands for the chatbot itself: the text, and how well the CV matches (percent)."""
    if "python" in question.lower():
        return "Eight years of Python in production.", 93
    return "My CV does not say.", 0


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda)
    """Answer one question of a visitor: `{"question": ..., "sessionId": ...}`."""
    asked = json.loads(event["body"])
    session, trace = asked.get("sessionId"), event.get("headers", {}).get("traceparent")
    request_id, chat = str(uuid4()), producer()
    chat.asked(
        request_id=request_id, query=asked["question"], session_id=session, traceparent=trace
    )
    text, score = answer(asked["question"])
    chat.answered(
        request_id=request_id,
        match_type="full" if score else "none",
        match_score=score,
        session_id=session,
        traceparent=trace,
    )
    chat.flush(FLUSH_SECONDS)  # Lambda stops all threads as soon as the handler returns
    return {"statusCode": 200, "body": json.dumps({"text": text, "score": score})}
