"""The examples of the API's documentation. The contract tests parse each of them."""

from __future__ import annotations

from typing import Any, Final

REQUEST_ID: Final = "cbe567e6-d782-581b-8fac-b7bc25f52013"

QUERY_EVENT: Final[dict[str, Any]] = {
    "eventType": "query",
    "requestId": REQUEST_ID,
    "timestamp": 1762161420111,
    "sessionId": "s01",
    "query": "Any Kubernetes experience?",
    "metadata": {"userAgent": "Mozilla/5.0 (Windows NT 10.0)", "referer": "https://cv.example/"},
}

RESPONSE_EVENT: Final[dict[str, Any]] = {
    "eventType": "response",
    "requestId": REQUEST_ID,
    "timestamp": 1762161422016,
    "sessionId": "s01",
    "matchType": "partial",
    "matchScore": 57,
    "reasoning": "best match Docker at 0.57",
    "vectorMatches": 5,
    "performance": {
        "totalTime": 1905,
        "retrievalTime": 180,
        "llmTime": 1710,
        "cacheHit": False,
    },
    "metadata": {"matchQuality": 0.57, "sourcesUsed": ["Docker"]},
}

SUBMISSION: Final[dict[str, Any]] = {
    "accepted": [{"index": 0, "requestId": REQUEST_ID}],
    "rejected": [{"index": 1, "reason": "matchScore: Input should be less than or equal to 100"}],
}

CORRELATION: Final[dict[str, Any]] = {
    "requestId": REQUEST_ID,
    "revision": 1,
    "outcome": "partial",
    "askedAt": 1762161420111,
    "answeredAt": 1762161422016,
    "sessionId": "s01",
    "question": "Any Kubernetes experience?",
    "matchScore": 57,
    "reasoning": "best match Docker at 0.57",
    "sources": ["Docker"],
    "vectorMatches": 5,
    "responseTimes": {"totalMs": 1905, "retrievalMs": 180, "llmMs": 1710, "cacheHit": False},
    "skills": [{"name": "Kubernetes", "category": "DevOps", "umbrella": False}],
    "aliasesUsed": [{"skill": "Kubernetes", "alias": "Kubernetes"}],
    "intents": ["skills"],
    "client": "browser",
    "refererHost": "cv.example",
    "synthetic": False,
    "clockSkewed": False,
}

CORRELATION_PAGE: Final[dict[str, Any]] = {"items": [CORRELATION], "nextCursor": "bmV4dA"}

DAY_DIGEST: Final[dict[str, Any]] = {
    "day": "2025-11-03",
    "correlations": 1,
    "digest": "5f0c0d2a8e6b4d4b9a4c1f2e3d5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6",
}

REQUESTED_ERASURE: Final[dict[str, Any]] = {
    "erasureId": "0b6f6d1e-8f0c-5d54-9a57-3f0d9a5f4c11",
    "requestedAt": 1762161420111,
    "removed": [],
}

ERASURE: Final[dict[str, Any]] = REQUESTED_ERASURE | {
    "removed": [{"service": "processor", "removed": 3}, {"service": "reporter", "removed": 3}]
}

HEALTH: Final[dict[str, Any]] = {
    "status": "ok",
    "service": "processor",
    "version": "1.2.0",
    "commit": "0123abc",
    "contracts": "1.2.0",
}
