"""What several test modules start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent


@pytest.fixture
def correlation() -> dict[str, Any]:
    """A complete correlation as it travels."""
    return {
        "requestId": "f4466b85-f6e1-55c5-92e0-90c4c4df5c3c",
        "revision": 1,
        "outcome": "partial",
        "askedAt": 1_762_161_420_111,
        "answeredAt": 1_762_161_422_016,
        "sessionId": "s01",
        "question": "Any Kubernetes experience?",
        "matchScore": 57,
        "skills": [{"name": "Kubernetes", "category": "infrastructure"}],
        "client": "browser",
    }


@pytest.fixture
def completed(correlation: dict[str, Any]) -> dict[str, Any]:
    """A complete CorrelationCompleted as it travels."""
    return {
        "specversion": "1.0",
        "id": "0e7b9a2e-4b0a-5d5c-8a37-6f4f1b6f7a11",
        "source": "cv-analytics.processor",
        "type": "CorrelationCompleted",
        "subject": correlation["requestId"],
        "time": "2025-11-03T09:17:02.016Z",
        "dataschema": "urn:cv-analytics:CorrelationCompleted:1.0",
        "data": correlation,
    }


@pytest.fixture(scope="session")
def sample_lines() -> list[str]:
    """The project's sample data: what a chatbot really sent."""
    return (ROOT / "sample-data" / "cv-chatbot-events.jsonl").read_text("utf-8").splitlines()


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """The numbers that the sample data must come to."""
    document: dict[str, Any] = json.loads((ROOT / "sample-data" / "golden.json").read_text("utf-8"))
    return document
