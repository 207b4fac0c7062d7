"""The sample events, and small ones to build cases from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
ASKED = 1_762_161_120_037


def sample() -> list[dict[str, Any]]:
    """The events of the original chatbot, in order."""
    lines = (DATA / "cv-chatbot-events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def golden() -> Any:
    """The numbers that come out of the sample events."""
    return json.loads((DATA / "golden.json").read_text())


def query(request_id: str = "q-1", **fields: Any) -> dict[str, Any]:
    """A question as the chatbot sends it."""
    event = {
        "eventType": "query",
        "requestId": request_id,
        "timestamp": ASKED,
        "sessionId": "s01",
        "query": "Any Kubernetes experience?",
    }
    return event | fields


def response(request_id: str = "q-1", **fields: Any) -> dict[str, Any]:
    """An answer's quality as the chatbot sends it."""
    event = {
        "eventType": "response",
        "requestId": request_id,
        "timestamp": ASKED + 1_900,
        "sessionId": "s01",
        "matchType": "partial",
        "matchScore": 57,
        "reasoning": "best match Docker at 0.57",
    }
    return event | fields
