"""Weeks of questions of any size: 300 skills, sessions of four questions, one in three a miss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from cv_contracts.events import CorrelationCompleted
from cv_reporter.domain.calendar import day_start_ms
from cv_reporter.domain.fact import Fact, Outcome, Skill, Word

LONDON = "Europe/London"
ENVIRONMENT = {
    "TABLE_NAME": "bench",
    "BUS_NAME": "bench",
    "FACTS_QUEUE_URL": "https://sqs.eu-west-2.amazonaws.com/000000000000/facts",
    "FACTS_DLQ_URL": "https://sqs.eu-west-2.amazonaws.com/000000000000/facts-dlq",
    "TIME_ZONE": LONDON,
    "OWNER_SESSIONS": "",
    "RETENTION_DAYS": "400",
    "SHARDS": "1",
    "SENDER": "reports@cv.example",
    "RECIPIENTS": "owner@cv.example",
    "CONFIGURATION_SET": "bench",
    "DASHBOARD_KEY_PARAMETER": "/bench/reporter/dashboard-key",
    "API_URL_PARAMETER": "/bench/reporter/api-url",
    "PROCESSOR_API_PARAMETER": "/bench/processor/api-url",
    "AWS_REGION": "eu-west-2",
    "AWS_DEFAULT_REGION": "eu-west-2",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}
"""What a function needs to start, and the SDK to sign."""
# The sort key is how a stub finds an item.
LAYOUT: dict[str, Any] = {
    "REPORTER": {
        "pk": {"S": "LAYOUT"},
        "sk": {"S": "REPORTER"},
        "version": {"N": "1"},
        "newest": {"N": "1"},
        "current": {
            "M": {
                "timeZone": {"S": LONDON},
                "shards": {"N": "1"},
                "generation": {"N": "1"},
                "firstDay": {"S": "1970-01-01"},
            }
        },
    }
}
"""The stored layout, as a deployed function finds it."""
OUTCOMES = (Outcome.FULL, Outcome.PARTIAL, Outcome.NONE, Outcome.FULL, Outcome.NO_RESPONSE)
SKILLS = 300
STEP = 7_919
"""A prime, so that outcomes, skills and hours do not go in step."""


def day_of_facts(day: date, n: int) -> Iterator[Fact]:
    """A day's questions, spread over its hours."""
    start = day_start_ms(day, LONDON)
    for number in range(n):
        mixed = number * STEP
        outcome = OUTCOMES[mixed % len(OUTCOMES)]
        silent = outcome is Outcome.NO_RESPONSE
        name = f"Skill {mixed % SKILLS}"
        yield Fact(
            request_id=f"{day:%m%d}-{number:08d}",
            revision=1,
            asked_at=start + number * 86_000_000 // n,
            session_id=f"{day:%m%d}-s{number // 4}",
            outcome=outcome,
            question=f"Have you worked with {name} in production, case {mixed % 997}?",
            score=None if silent else mixed % 101,
            total_ms=None if silent else 900 + mixed % 3_000,
            skills=(Skill(name, "any"),) if mixed % 5 else (),
            words=(Word(name, name.lower()),),
            intents=("skills",) if mixed % 5 else (f"intent_{mixed % 12}",),
            sources=(f"Entry {mixed % 40}",),
        )


def sqs_batch(n: int = 10) -> dict[str, Any]:
    """A batch of `CorrelationCompleted` as the rule brings it."""
    return {"Records": [_record(number) for number in range(n)]}


def _record(number: int) -> dict[str, Any]:
    request_id = f"00000000-0000-4000-8000-{number:012d}"
    data = {
        "requestId": request_id, "revision": 1, "outcome": "partial",
        "askedAt": 1_762_776_000_000 + number, "answeredAt": 1_762_776_002_000 + number,
        "sessionId": f"s{number}", "question": "Do you have production experience with K8s?",
        "matchScore": 55, "reasoning": "best match Docker at 0.55", "sources": ["Docker"],
        "vectorMatches": 5, "responseTimes": {"totalMs": 1980, "cacheHit": False},
        "skills": [{"name": "Kubernetes", "category": "Platform", "umbrella": False}],
        "aliasesUsed": [{"skill": "Kubernetes", "alias": "K8s"}], "intents": ["skills"],
        "client": "browser", "refererHost": "cv.example",
    }  # fmt: skip
    detail = {
        "specversion": "1.0", "id": "6f0d3a52-3d9e-5d2b-9a3e-0f2a6c1b7e11",
        "source": CorrelationCompleted.SOURCE, "type": CorrelationCompleted.DETAIL_TYPE,
        "subject": request_id, "time": "2025-11-10T12:00:02.000Z",
        "dataschema": CorrelationCompleted.schema_name(), "data": data,
    }  # fmt: skip
    event = {
        "source": detail["source"], "detail-type": detail["type"], "detail": detail
    }  # fmt: skip
    return {"messageId": f"m{number}", "body": json.dumps(event)}
