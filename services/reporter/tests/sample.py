"""The sample events as the Processor would publish them: one correlation per question.

Skills, words and intents stand in a data file; finding them is the Processor's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cv_contracts.events import CorrelationCompleted, QuestionErased, SessionErased

from cv_reporter.domain.fact import Fact, Outcome, Skill, Word

DATA = Path(__file__).parent / "data"


def golden() -> dict[str, dict[str, dict[str, Any]]]:
    """The expected totals by zone and week."""
    zones: dict[str, dict[str, dict[str, Any]]] = json.loads(
        (DATA / "golden.json").read_text(encoding="utf-8")
    )["zones"]
    return zones


def chatbot_events() -> list[dict[str, Any]]:
    """The events as the chatbot sends them, in order."""
    lines = (DATA / "cv-chatbot-events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def correlations(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data of each question's `CorrelationCompleted`, in the order of the first halves.

    Closes with what came; a response that came after its query was closed is a second revision.
    """
    halves: dict[str, dict[str, dict[str, Any]]] = {}
    for event in events:
        halves.setdefault(event["requestId"], {})[event["eventType"]] = event
    return [correlation(each["query"], each.get("response")) for each in halves.values()]


def correlation(query: dict[str, Any], response: dict[str, Any] | None) -> dict[str, Any]:
    """One question's correlation, camelCase."""
    document: dict[str, Any] = {
        "requestId": query["requestId"],
        "revision": 1,
        "outcome": "no_response",
        "askedAt": query["timestamp"],
        "sessionId": query.get("sessionId", "anonymous"),
        "question": query["query"],
        "client": "browser",
        "refererHost": "cv.example",
        **enrichment(query["query"]),
    }
    if response:
        performance = response["performance"]
        document |= {
            "outcome": response["matchType"],
            "answeredAt": response["timestamp"],
            "matchScore": response["matchScore"],
            "reasoning": response["reasoning"],
            "sources": response["metadata"]["sourcesUsed"],
            "responseTimes": {
                "totalMs": performance["totalTime"],
                "cacheHit": performance["cacheHit"],
            },
        }
    return document


@cache
def _enriched() -> dict[str, dict[str, Any]]:
    document: dict[str, dict[str, Any]] = json.loads(
        (DATA / "enrichment.json").read_text(encoding="utf-8")
    )
    return document


def enrichment(question: str) -> dict[str, Any]:
    """The skills, words and intents of a sample question, as the Processor finds them."""
    return _enriched()[question]


def completed(document: dict[str, Any]) -> CorrelationCompleted:
    """The event that announces a correlation."""
    revision = document["revision"]
    return CorrelationCompleted.read(
        {
            "id": str(uuid5(NAMESPACE_URL, f"{document['requestId']}/{revision}")),
            "source": CorrelationCompleted.SOURCE,
            "type": CorrelationCompleted.DETAIL_TYPE,
            "subject": document["requestId"],
            "time": "2025-11-16T23:59:59.000Z",
            "dataschema": CorrelationCompleted.schema_name(),
            "data": document,
        }
    )


def erased(session_id: str, erasure_id: str = "e1") -> SessionErased:
    """The event that asks to erase a session."""
    return SessionErased.read(
        {
            "id": "00000000-0000-5000-8000-000000000001",
            "source": SessionErased.SOURCE,
            "type": SessionErased.DETAIL_TYPE,
            "subject": erasure_id,
            "time": "2025-11-17T00:00:00.000Z",
            "dataschema": SessionErased.schema_name(),
            "data": {
                "erasureId": erasure_id,
                "sessionId": session_id,
                "erasedAt": 1_763_337_600_000,
                "correlations": 2,
            },
        }
    )


def question_erased(
    request_id: str, asked_at: Sequence[int], erasure_id: str = "e2"
) -> QuestionErased:
    """The event that asks to erase a question."""
    return QuestionErased.read(
        {
            "id": "00000000-0000-5000-8000-000000000002",
            "source": QuestionErased.SOURCE,
            "type": QuestionErased.DETAIL_TYPE,
            "subject": erasure_id,
            "time": "2025-11-17T00:00:00.000Z",
            "dataschema": QuestionErased.schema_name(),
            "data": {
                "erasureId": erasure_id,
                "requestId": request_id,
                "askedAt": list(asked_at),
                "erasedAt": 1_763_337_600_000,
                "correlations": 1,
            },
        }
    )


def completed_events() -> list[CorrelationCompleted]:
    """Every sample question's event."""
    return [completed(document) for document in correlations(chatbot_events())]


MONDAY_NOON = 1_762_776_000_000
"""2025-11-10 12:00 UTC, a Monday in week 46."""


def fact(number: int = 1, **changes: Any) -> Fact:
    """A plain fact: a visitor asked about Python on Monday at noon and was answered in full."""
    plain = Fact(
        request_id=f"r{number}",
        revision=1,
        asked_at=MONDAY_NOON + number * 1_000,
        session_id="s1",
        outcome=Outcome.FULL,
        question=f"Question {number}?",
        score=90,
        skills=(Skill("Python", "language"),),
        words=(Word("Python", "Python"),),
        intents=("skills",),
        total_ms=1_500,
        sources=("Python",),
    )
    return replace(plain, **changes)
